"""A worker that is killed while it notes for the given time how far it has read a file.

`python -m tests.library.dying_reader <operation> <bytes between two notes> <number of the note>`
"""

import os
import signal
import sys
from typing import Any

import django

django.setup()

from apps.library import scrub  # noqa: E402
from apps.operations import execution  # noqa: E402
from apps.operations.context import Context  # noqa: E402

scrub.NOTES_EVERY = int(sys.argv[2])
_left = int(sys.argv[3])
_remember = Context.remember


def remember(self: Context, **facts: Any) -> None:
    global _left
    _remember(self, **facts)
    _left -= 1
    if not _left:
        os.kill(os.getpid(), signal.SIGKILL)


Context.remember = remember  # type: ignore[method-assign]
execution.execute(sys.argv[1])
