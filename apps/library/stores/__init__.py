"""Where the bytes of files are: Django's storage "library", a folder or a bucket."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.files.storage import FileSystemStorage, storages

from apps.library.stores.base import Content, Store, StoreAway, Writer
from apps.library.stores.local import LocalStore

__all__ = ["Content", "Store", "StoreAway", "Writer", "current"]

ALIAS = "library"


def current() -> Store:
    """The store that the settings name."""
    return _of(storages[ALIAS])


@cache
def _of(backend: Any) -> Store:
    if isinstance(backend, FileSystemStorage):
        return LocalStore(backend)
    # boto3 takes a third of a second and 30 MiB: only where it is needed
    from apps.library.stores.s3 import S3Store

    return S3Store(backend)
