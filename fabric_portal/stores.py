"""Where the library's files are, as Django's STORAGES takes it."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from fabric_portal.env import PREFIX, env, envsecret

#: Uploads and hosts that one process serves at once, each with a connection.
CONNECTIONS = 64


def library(folder: Path) -> dict[str, Any]:
    """The folder, unless FABRIC_S3_BUCKET names a bucket."""
    bucket = env("S3_BUCKET")
    if not bucket:
        options = {"location": str(folder), "file_permissions_mode": 0o600}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    access, secret = envsecret("S3_ACCESS_KEY"), envsecret("S3_SECRET_KEY")
    if bool(access) != bool(secret):
        raise ImproperlyConfigured(
            f"Set {PREFIX}S3_ACCESS_KEY and {PREFIX}S3_SECRET_KEY, or neither: then the machine's "
            "own role decides."
        )
    return s3(
        bucket,
        location=env("S3_PREFIX", "library").strip("/"),
        endpoint_url=env("S3_ENDPOINT") or None,
        region_name=env("S3_REGION") or None,
        access_key=access or None,
        secret_key=secret or None,
    )


def s3(bucket: str, **options: Any) -> dict[str, Any]:
    """A bucket. Checksums of requests beyond what every service knows are left out; SHA-256 of the
    whole is what counts here.
    """
    from botocore.config import Config

    endpoint = options.get("endpoint_url")
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"{PREFIX}S3_ENDPOINT has to begin with https:// or http://.")
    signing: dict[str, Any] = {
        # a service of one's own is mostly known by one name, not by one for each bucket
        "addressing_style": "path" if endpoint else "auto",
    }
    if not (endpoint or "").startswith("http://"):
        # TLS keeps parts as they are; hashing each of them beside that would be work for nothing
        signing["payload_signing_enabled"] = False
    config = Config(
        s3=signing,
        signature_version="s3v4",
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 4},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    backend = "storages.backends.s3.S3Storage"
    return {
        "BACKEND": backend,
        "OPTIONS": {"bucket_name": bucket, "client_config": config} | options,
    }
