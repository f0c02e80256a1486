"""What files tell of themselves: pure functions over bytes, which never trust a byte."""

from apps.library.formats.errors import REFUSALS, DiskRefused
from apps.library.formats.source import Source
from apps.library.formats.template import DiskFacts, inspect

__all__ = [
    "REFUSALS",
    "DiskFacts",
    "DiskRefused",
    "Source",
    "inspect",
]
