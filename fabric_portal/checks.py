"""System checks: one for each setting that can be wrong although it could be read."""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.checks import register as register_check
from django.core.exceptions import ImproperlyConfigured


def refuse_without_secrets() -> None:
    """Stops a process that serves or works without the secrets it needs."""
    if not settings.FABRIC_SECRET_KEY_GIVEN:
        raise ImproperlyConfigured(
            "FABRIC_SECRET_KEY is not set. Give it, or FABRIC_SECRET_KEY_FILE, a long random value."
        )
    if not settings.FABRIC_CREDENTIAL_KEYS:
        raise ImproperlyConfigured(
            "FABRIC_CREDENTIAL_KEYS is not set. Give it, or FABRIC_CREDENTIAL_KEYS_FILE, "
            "a key as id:base64 of 32 random bytes."
        )


def secret_key(app_configs: Sequence[AppConfig] | None, **more: Any) -> list[CheckMessage]:
    given = settings.FABRIC_SECRET_KEY_GIVEN
    if given and len(given) < 32:
        return [
            Error(
                "FABRIC_SECRET_KEY is shorter than 32 characters.",
                hint="Make a random one.",
                id="fabric.E001",
            )
        ]
    return []


def addresses(app_configs: Sequence[AppConfig] | None, **more: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, schemes in (
        ("FABRIC_PUBLIC_URL", ("http", "https")),
        ("FABRIC_CONTENT_URL", ("https",)),
    ):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme not in schemes or not parts.hostname or parts.path not in ("", "/"):
            hint = f"Use {schemes[-1]}://name[:port], without a path."
            found.append(Error(f"{name} is no address of a server.", hint=hint, id="fabric.E003"))
    if urlsplit(settings.FABRIC_REDIS_URL).scheme not in ("redis", "rediss", "unix"):
        found.append(
            Error(
                "FABRIC_REDIS_URL begins with none of redis://, rediss://, unix://.",
                id="fabric.E004",
            )
        )
    return found


def hosts(app_configs: Sequence[AppConfig] | None, **more: Any) -> list[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [
            Warning(
                "FABRIC_ALLOWED_HOSTS allows every host name.", hint="Name them.", id="fabric.W005"
            )
        ]
    return []


def data_dir(app_configs: Sequence[AppConfig] | None, **more: Any) -> list[CheckMessage]:
    folder = settings.FABRIC_DATA_DIR
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return [Error(f"FABRIC_DATA_DIR: nothing can be written to {folder}.", id="fabric.E006")]
    return []


def register() -> None:
    for check in (secret_key, addresses, hosts, data_dir):
        register_check(check)
