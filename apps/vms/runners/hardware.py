"""Processors and memory."""

from typing import Any

from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.vms.runners import reach


def _edit(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    wanted = {
        name: ctx.parameters[key]
        for name, key in (("ProcessorCount", "processors"), ("MemoryStartupBytes", "memory_bytes"))
        if ctx.parameters.get(key) is not None
    }
    with ctx.step("Change hardware"):
        told = reach.call_host(ctx, vm, "Set-VMHardware", wanted)
        reach.saw(vm, processors=told["processors"], memory_bytes=told["memory_startup_bytes"])
    return {name: told[name] for name in ("processors", "memory_startup_bytes")}


EDIT = Runner(kind="vm.edit", steps=("Change hardware",), run=_edit, resumable=True)
