"""Handing an owner its own files."""

import uuid

from django.core import signing
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.common.errors import NotFound
from apps.library import services
from apps.library.models import ShieldingData, StoredFile, TemplateDisk
from apps.library.services import delete, inspect_again

__all__ = ["Item", "delete", "inspect_again", "owned_file", "owners_address"]

#: How long an owner's address opens, in seconds.
OWNERS_SECONDS = 120
_SALT = "apps.library.items"

Item = TemplateDisk | ShieldingData


@transaction.atomic
def owners_address(*, actor: User, item: Item) -> str:
    """Where the owner fetches its own file, for two minutes. Recorded."""
    require(actor, "content", item)
    services.record(actor, item, "download")
    token = signing.dumps(str(item.file_id), salt=_SALT, compress=False)
    return f"/content/own/{token}/"


def owned_file(token: str) -> StoredFile:
    """The file of an owner's address. Raises NotFound for any other."""
    try:
        key = uuid.UUID(signing.loads(token, salt=_SALT, max_age=OWNERS_SECONDS))
    except (signing.BadSignature, ValueError):
        raise NotFound("There is nothing at this address.") from None
    found = StoredFile.objects.filter(pk=key).first()
    if found is None:
        raise NotFound("There is nothing at this address.")
    return found
