"""One handler per script file; the registry that `apps.lab.engine` looks into.

A handler module holds `HANDLERS: dict[str, Handler]`, script name (no ".ps1") to a function
`handler(ctx, **parameters) -> JSON document`. Its keyword parameters are named exactly as the
script's `param()` block names them (`VMId`, `TimeoutSeconds`), with the script's defaults; a
contract test holds the two equal. It composes cmdlets through `ctx.run("Get-VM", Id=…)` in the
order in which the script does, sends progress with `ctx.progress(40, "…")`, waits with
`ctx.wait_until(…)`, and raises `apps.lab.cmdlets.errors.CmdletError` where the script would end
with an error. A new area adds its module's name to `_AREAS` below; nothing else is needed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]

_AREAS = ("fabric", "attestation", "vms_lifecycle", "library", "deployment", "jobs", "checks")


@functools.cache
def handlers() -> dict[str, Handler]:
    """Every script's handler by the script's name."""
    merged: dict[str, Handler] = {}
    for area in _AREAS:
        name = f"{__name__}.{area}"
        if importlib.util.find_spec(name) is None:
            continue
        for script, handler in importlib.import_module(name).HANDLERS.items():
            if script in merged:
                raise RuntimeError(f"two handlers for the script {script}")
            merged[script] = handler
    return merged
