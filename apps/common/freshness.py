"""How far what was read from a host can still be believed."""

import datetime
from typing import Literal

from django.utils import timezone

Freshness = Literal["live", "stale", "unknown"]
LIVE = datetime.timedelta(seconds=180)
BELIEVED = datetime.timedelta(minutes=15)


def freshness(
    observed_at: datetime.datetime | None,
    failing_since: datetime.datetime | None,
    now: datetime.datetime | None = None,
) -> Freshness:
    """Live: read well, within three intervals. Stale: read within 15 minutes. Unknown: older or
    never.
    """
    if observed_at is None:
        return "unknown"
    age = (now or timezone.now()) - observed_at
    if age >= BELIEVED:
        return "unknown"
    return "live" if failing_since is None and age < LIVE else "stale"
