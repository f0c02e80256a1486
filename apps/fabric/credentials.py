"""Passwords at rest: sealed with AES-256-GCM under a key that the settings hold.

An envelope is `v1:<key id>:<base64 of nonce and ciphertext>`. What it belongs to is authenticated
with it, so that an envelope copied to another row doesn't open there.
"""

import base64
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from apps.common.errors import StateForbids

VERSION = "v1"
NONCE_BYTES = 12
#: Seals what a room above keeps with the newest key: (how many anew, how many had it already).
Keeper = Callable[[], tuple[int, int]]
_keepers: list[Keeper] = []


def register_keeper(keeper: Keeper) -> None:
    """A room that keeps envelopes of its own takes part in the rotation of keys."""
    _keepers.append(keeper)


def keepers() -> tuple[Keeper, ...]:
    return tuple(_keepers)


class EnvelopeError(StateForbids):
    """An envelope that can't be opened: its key is gone, or it was changed or moved."""


def seal(secret: str, *, owner: str) -> str:
    """The envelope of a secret under the newest key. `owner`: the row that it belongs to."""
    key_id, key = next(iter(settings.FABRIC_CREDENTIAL_KEYS.items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), _bound(key_id, owner))
    return f"{VERSION}:{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def reveal(envelope: str, *, owner: str) -> str:
    """The secret in an envelope. Raises EnvelopeError."""
    try:
        version, key_id, body = envelope.split(":", 2)
        raw = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise EnvelopeError("The stored credential isn’t an envelope.") from error
    key = settings.FABRIC_CREDENTIAL_KEYS.get(key_id)
    if version != VERSION or key is None:
        raise EnvelopeError(
            f"The stored credential was sealed with the key “{key_id}”, which the settings "
            "no longer hold. Put it back into FABRIC_CREDENTIAL_KEYS, or enter the password anew."
        )
    try:
        return (
            AESGCM(key)
            .decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(key_id, owner))
            .decode()
        )
    except (InvalidTag, ValueError) as error:
        raise EnvelopeError(
            "The stored credential doesn’t open with its key: it was changed, or belongs elsewhere."
        ) from error


def is_current(envelope: str) -> bool:
    """Whether it was sealed with the newest key."""
    newest = next(iter(settings.FABRIC_CREDENTIAL_KEYS))
    return envelope.startswith(f"{VERSION}:{newest}:")


def _bound(key_id: str, owner: str) -> bytes:
    return f"{VERSION}:{key_id}:{owner}".encode()
