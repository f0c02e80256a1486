"""The columns of the grid, and which of them somebody wants to see."""

from collections.abc import Collection

from apps.accounts.models import User
from apps.accounts.services import set_preference

#: (what orders by it, label, classes); the name can't be left out: it is how rows are opened.
COLUMNS = (
    ("name", "Name", ""),
    ("state", "State", ""),
    ("host", "Host", ""),
    ("cpu", "CPU", "num grid__num"),
    ("memory_bytes", "Memory", "num grid__num"),
    ("uptime_seconds", "Uptime", "num grid__c2"),
    ("protection", "Protection", ""),
    ("tenant", "Tenant", "grid__c2"),
    ("observed_at", "Read", ""),
)
ALWAYS = "name"
PREFERENCE = "vms.hidden-columns"


def hidden(user: User) -> frozenset[str]:
    """Columns that the person left out. A column that is new is shown until it is left out."""
    return frozenset(user.preferences.get(PREFERENCE, ())) - {ALWAYS}


def choose(user: User, shown: Collection[str]) -> None:
    """Shows these columns from now on; words that are no column are left alone."""
    known = [name for name, _, _ in COLUMNS if name != ALWAYS]
    set_preference(user=user, name=PREFERENCE, value=[name for name in known if name not in shown])
