"""File names as people may see them again: a name, never a path, never a trick."""

import re
import unicodedata

LONGEST = 200
_TAKEN_BY_WINDOWS = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_UNWANTED = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


def clean(name: str) -> str:
    """The last part of a path without what terminals, shells, HTML and Windows stumble over; empty
    where nothing is left.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(
        letter for letter in _UNWANTED.sub("_", last) if unicodedata.category(letter)[0] != "C"
    )
    shown = shown.strip().strip(".").strip()
    if _TAKEN_BY_WINDOWS.match(shown):
        shown = f"_{shown}"
    return _shortened(shown)


def _shortened(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"
    return name[:LONGEST]
