"""Handing an owner its own files."""

import uuid

from django.core import signing
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.common.errors import Forbidden, NotFound
from apps.library import services
from apps.library.models import ShieldingData, StoredFile, TemplateDisk
from apps.library.services import delete, inspect_again

__all__ = ["Item", "delete", "inspect_again", "owned_file", "owners_address"]

#: How long an owner's address opens, in seconds.
OWNERS_SECONDS = 120
WITHHELD = (
    "An administrator made this account, or gave it a tenant or a password, after this file came"
    " in. The portal hands a file out only to an account that was its owner’s before."
)
_SALT = "apps.library.items"

Item = TemplateDisk | ShieldingData


def is_withheld(actor: User, item: Item) -> bool:
    """Whether a file came in before an admin last said who this person is.

    Who manages people could otherwise make an account of the tenant, or take one over, and read
    what the portal promises to show to its owner alone.
    """
    return actor.vouched_at >= item.file.created_at


@transaction.atomic
def owners_address(*, actor: User, item: Item) -> str:
    """Where the owner fetches its own file, for two minutes. Recorded. Raises Forbidden for a file
    that is withheld."""
    require(actor, "content", item)
    if is_withheld(actor, item):
        raise Forbidden(WITHHELD, hint="Take it from where it was made.")
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
