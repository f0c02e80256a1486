"""What the library does by the clock; a part that fails doesn't keep the others from theirs."""

import datetime
import logging
import uuid
from collections.abc import Callable

from django.db import Error
from django.utils import timezone

from apps.common.errors import PortalError
from apps.library import content, inspection, scrub, sending, stores, uploads
from apps.library.choices import UploadStatus
from apps.library.models import StoredFile, Upload

#: An upload that is verified for longer than this has no worker, unless its lock says otherwise.
UNHEARD = datetime.timedelta(seconds=30)
logger = logging.getLogger(__name__)


def sweep() -> None:
    for part in (uploads.sweep, send_again, inspection.sweep, content.sweep, scrub.sweep):
        _do(part)


def _do(part: Callable[[], None]) -> None:
    try:
        part()
    except (PortalError, Error, OSError):
        logger.exception(
            "%s.%s failed; the next round tries again.", part.__module__, part.__name__
        )


def tidy() -> None:
    """Has the store forget what no row is about."""
    gone = stores.current().tidy(_is_known)
    if gone:
        logger.warning("%d things in the library’s store were nobody’s; they were removed.", gone)


def _is_known(key: str) -> bool:
    name = key.rpartition("/")[2]
    try:
        return StoredFile.objects.filter(pk=uuid.UUID(name)).exists()
    except ValueError:
        return True  # it isn't ours, so it isn't ours to remove


def send_again() -> None:
    """Hands uploads to a worker whose message was lost, or whose worker was."""
    unheard = Upload.objects.filter(
        status=UploadStatus.VERIFYING, touched_at__lt=timezone.now() - UNHEARD
    )
    for key in unheard.values_list("pk", flat=True)[:100]:
        sending.send_received(key)
