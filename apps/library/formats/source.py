"""Where bytes come from: anything that has a size and gives bytes from anywhere in it."""

from __future__ import annotations

from typing import Protocol

#: No reader here needs more at once; a larger wish comes from a number that can't be true.
MOST_AT_ONCE = 4 << 20


class Source(Protocol):
    """`size` in bytes; `read` gives what there is, so fewer bytes past the end."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...
