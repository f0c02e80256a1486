"""One-use tickets to a console: who may open which one, for a minute."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from apps.common.redis import client

LIFETIME_SECONDS = 60


@dataclass(frozen=True)
class Ticket:
    """What a ticket stands for; the ids are those of rows."""

    user_id: str
    vm_id: str


def issue(ticket: Ticket) -> str:
    """A new token. Only its hash is kept, so that what is stored opens nothing."""
    token = secrets.token_urlsafe(32)
    client().set(_key(token), json.dumps(asdict(ticket)), ex=LIFETIME_SECONDS)
    return token


def take(token: str) -> Ticket | None:
    """What the token stands for, once: the second time, or too late, it stands for nothing."""
    kept = client().getdel(_key(token))
    return Ticket(**json.loads(kept)) if kept else None


def _key(token: str) -> str:
    return f"fabric:console:{hashlib.sha256(token.encode()).hexdigest()}"
