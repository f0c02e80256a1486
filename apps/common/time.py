"""Times as machines read them, and ages as people say them."""

import datetime

from django.utils import timezone

STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def iso(moment: datetime.datetime | None) -> str | None:
    """ISO 8601 in UTC with Z, to the millisecond; None stays None."""
    if moment is None:
        return None
    text = moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def age_words(moment: datetime.datetime | None, now: datetime.datetime | None = None) -> str:
    """“12 s ago”, “3 min ago”, “2 d ago”; “never” for None."""
    if moment is None:
        return "never"
    seconds = max(0, int(((now or timezone.now()) - moment).total_seconds()))
    for size, unit in STEPS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
