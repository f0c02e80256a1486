"""Settings from the environment: every name carries the prefix FABRIC_, secrets may come from a
file.

A value that can't be right stops the start with a message that names the variable; the value itself
is never repeated, it may be a secret.
"""

import base64
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

PREFIX = "FABRIC_"
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def env(name: str, default: str = "") -> str:
    """The variable's text, without the blanks around it."""
    return os.environ.get(PREFIX + name, default).strip()


def envbool(name: str, default: bool) -> bool:
    value = os.environ.get(PREFIX + name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{PREFIX}{name} is neither true nor false. Use 1 or 0.")


def envint(name: str, default: int, *, least: int = 0, most: int = 2**53) -> int:
    value = env(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{PREFIX}{name} is not a whole number.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{PREFIX}{name} has to be between {least} and {most}.")
    return number


def envlist(name: str, default: str = "") -> list[str]:
    """What stands between the commas."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def envsecret(name: str, default: str = "") -> str:
    """The variable, or the content of the file that the variable of the same name with _FILE
    names.
    """
    value, path = env(name), env(name + "_FILE")
    if value and path:
        raise ImproperlyConfigured(f"Set either {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
    if not path:
        return value or default
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ImproperlyConfigured(f"{PREFIX}{name}_FILE can't be read: {reason}.") from None
    if not content:
        raise ImproperlyConfigured(f"{PREFIX}{name}_FILE names an empty file.")
    return content


def kept_secret(path: Path, make: str) -> str:
    """The secret kept in a file for its owner alone; `make` is written there when there is none
    yet.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process of the same start got there first
        finally:
            draft.unlink()
    return path.read_text().strip()


def credential_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` as id → 32 bytes, in that order."""
    found: dict[str, bytes] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not name or len(key) != 32 or name in found:
            raise ImproperlyConfigured(
                f"{PREFIX}CREDENTIAL_KEYS: key {len(found) + 1} is none. "
                "Each is id:base64 of 32 random bytes, several are separated by commas."
            )
        found[name] = key
    return found


def seed(name: str, text: str) -> bytes:
    """32 bytes in base64, or none."""
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        found = b"?"
    if found and len(found) != 32:
        raise ImproperlyConfigured(f"{PREFIX}{name} is not base64 of 32 random bytes.")
    return found
