"""How long a reading is believed."""

import datetime

import pytest

from apps.common.freshness import freshness
from apps.common.time import age_words, iso

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)


def ago(seconds: int) -> datetime.datetime:
    return NOW - datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("read", "failing", "found"),
    [
        (None, None, "unknown"),
        (None, ago(10), "unknown"),
        (ago(0), None, "live"),
        (ago(179), None, "live"),
        (ago(180), None, "stale"),
        (ago(60), ago(10), "stale"),
        (ago(899), None, "stale"),
        (ago(900), None, "unknown"),
        (ago(900), ago(10), "unknown"),
    ],
)
def test_a_reading_is_live_then_stale_then_unknown(
    read: datetime.datetime | None, failing: datetime.datetime | None, found: str
) -> None:
    assert freshness(read, failing, NOW) == found


def test_times_are_written_in_utc_with_z() -> None:
    east = datetime.timezone(datetime.timedelta(hours=2))

    assert iso(datetime.datetime(2026, 11, 24, 14, 0, tzinfo=east)) == "2026-11-24T12:00:00.000Z"
    assert iso(None) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s ago"), (125, "2 min ago"), (7300, "2 h ago"), (180_000, "2 d ago")],
)
def test_ages_are_said_as_people_do(seconds: int, words: str) -> None:
    assert age_words(ago(seconds), NOW) == words
