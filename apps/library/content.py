"""Content for hosts: an address that one host may fetch one file from while one operation runs."""

import datetime
import hashlib
import logging
import secrets
import socket
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.common.errors import NotFound
from apps.fabric.models import Host
from apps.library.models import ContentGrant, ShieldingData, StoredFile, TemplateDisk, Upload
from apps.operations.models import Operation

LIFETIME = datetime.timedelta(hours=6)
#: Ended grants stay for a day, for who looks into what a host fetched.
KEPT = datetime.timedelta(days=1)
logger = logging.getLogger(__name__)


def grant(
    obj: TemplateDisk | ShieldingData | Upload | StoredFile,
    host: Host,
    operation: Operation,
    lifetime: datetime.timedelta = LIFETIME,
) -> str:
    """The address of an object's content for this host and this operation. It is a secret: hand it
    to the host, and show it nowhere.
    """
    file = obj if isinstance(obj, StoredFile) else obj.file
    if file is None:
        raise NotFound("The file is no longer there.")
    token = secrets.token_urlsafe(32)
    ContentGrant.objects.create(
        digest=_digest(token),
        file=file,
        host=host,
        operation=operation,
        expires_at=timezone.now() + lifetime,
    )
    return f"{settings.FABRIC_CONTENT_URL}/content/{token}/"


def find(token: str, address: str) -> ContentGrant:
    """The grant of a token, for whoever asks from this address. Raises NotFound for any other."""
    found = (
        ContentGrant.objects.select_related("file", "host", "operation")
        .filter(digest=_digest(token))
        .first()
    )
    if found is None or not is_good(found) or not _may_come_from(found, address):
        raise NotFound("There is nothing at this address.")
    return found


def is_good(found: ContentGrant) -> bool:
    """Whether it still opens: not revoked, not expired, its operation still under way."""
    alive = found.revoked_at is None and found.expires_at > timezone.now()
    return alive and found.operation.active


def _may_come_from(found: ContentGrant, address: str) -> bool:
    """Whether this is the host that the address was made for. Where the portal can't see who asks
    (FABRIC_CONTENT_CHECK_ADDRESS off), one that is known to be another host isn't.
    """
    if not settings.FABRIC_CONTENT_CHECK_ADDRESS:
        known = Host.objects.filter(address=address)
        return not known.exists() or known.filter(pk=found.host_id).exists()
    if address in _addresses(found.host.address):
        return True
    logger.warning(
        "Content for %s was asked for from %s, not from %s. If that is a proxy's or another of its "
        "addresses, set FABRIC_CONTENT_CHECK_ADDRESS=0.",
        found.host.name, address, found.host.address,
    )  # fmt: skip
    return False


def _addresses(host: str) -> set[str]:
    """The IP addresses that a host's address stands for."""
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return {host}


def used(found: ContentGrant) -> None:
    ContentGrant.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now())


def revoke(operation: Operation) -> None:
    """Closes every address that was opened for an operation."""
    ContentGrant.objects.filter(operation=operation, revoked_at=None).update(
        revoked_at=timezone.now()
    )


def sweep() -> None:
    """Forgets grants that ended long ago."""
    old = timezone.now() - KEPT
    ContentGrant.objects.filter(Q(expires_at__lt=old) | Q(revoked_at__lt=old)).delete()


def certificate_authority() -> str:
    """The certificate (PEM) that a host needs to trust the content's address; empty for none."""
    path = Path(settings.FABRIC_CONTENT_CA)
    return path.read_text(encoding="ascii") if path.is_file() else ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
