"""Cells of the grid, whose looks depend on a few words of the row alone.

A page draws hundreds of them and few that differ: each is rendered from its partial once, then
kept.
"""

import functools
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.common.templatetags.fabric import percent_of
from apps.vms.choices import VMState
from apps.vms.models import VirtualMachine

register = template.Library()
#: The partial `vms/_<cell>.html` reads these fields of `vm`, and nothing else.
FIELDS = {
    "state": ("state", "last_known_state"),
    "shield": ("protection",),
    "cpu": ("state", "cpu_percent"),
}


@register.simple_tag
def cell(name: str, vm: VirtualMachine) -> SafeString:
    """`{% cell "state" vm %}`"""
    return _drawn(name, *[getattr(vm, field) for field in FIELDS[name]])


@functools.lru_cache(maxsize=2048)
def _drawn(name: str, *values: Any) -> SafeString:
    vm = VirtualMachine(**dict(zip(FIELDS[name], values, strict=True)))
    return render_to_string(f"vms/_{name}.html", {"vm": vm})


@register.simple_tag
def memory(vm: VirtualMachine) -> SafeString:
    """What it is given at its start, with a bar of what it has while it runs."""
    assigned = vm.memory_assigned_bytes if vm.state == VMState.RUNNING else 0
    return _memory(vm.memory_bytes, percent_of(assigned, vm.memory_bytes) if assigned else None)


@functools.lru_cache(maxsize=2048)
def _memory(memory_bytes: int, percent: int | None) -> SafeString:
    context = {"memory_bytes": memory_bytes, "percent": percent}
    return render_to_string("vms/_memory.html", context)
