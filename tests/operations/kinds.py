"""An operation kind for worker processes of tests: `celery -A tests.operations.kinds`.

It writes its process id to a file, works until another file is there, and does its one piece of
work by making a file that may not be there yet.
"""

import os
import time
from pathlib import Path
from typing import Any

import django

from fabric_portal.celery import app

django.setup()  # the worker imports this before Django is ready, and what follows needs it to be

from apps.operations import runners  # noqa: E402
from apps.operations.context import Context  # noqa: E402
from apps.operations.runners import Runner  # noqa: E402

__all__ = ["app"]
KIND, ONCE = "test.process", "test.process-once"


def run(ctx: Context) -> dict[str, Any]:
    """Step one is done once over all attempts; step two waits to be let go."""
    folder = Path(ctx.parameters["folder"])
    with ctx.step("Make"):
        if not ctx.recall("made"):
            (folder / "made").touch(exist_ok=False)
            ctx.remember(made=True)
    with ctx.step("Wait"):
        (folder / f"waiting-{ctx.operation.attempt}").write_text(str(os.getpid()))
        while not (folder / "go").exists():
            ctx.check_cancelled()
            time.sleep(0.02)
    return {"attempt": ctx.operation.attempt}


for _kind in (KIND, ONCE):
    runners.register(Runner(kind=_kind, steps=("Make", "Wait"), run=run, resumable=_kind == KIND))
