"""What an S3 service answers where it doesn't do what it was asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from apps.library.stores.base import StoreAway

GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})
logger = logging.getLogger(__name__)


@contextmanager
def answering() -> Iterator[None]:
    """The service's errors as ours: FileNotFoundError, or StoreAway in words without secrets."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in GONE:
            raise FileNotFoundError(code) from error
        logger.error("The library’s store refused %s: %s.", error.operation_name, code)
        raise _away() from error
    except BotoCoreError as error:
        logger.error("The library’s store doesn’t answer: %s.", type(error).__name__)
        raise _away() from error


def _away() -> StoreAway:
    return StoreAway(
        "The store of the library doesn’t answer.", hint="Try again in a moment; nothing is lost."
    )
