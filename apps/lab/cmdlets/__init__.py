"""What Windows' cmdlets do to the world: one module per PowerShell module.

A cmdlet is a function `(session, parameters) -> list of objects`, registered by its name. Objects
are dicts with the property names that Microsoft documents; a date is a datetime (UTC), a duration
a timedelta, an enumeration its name. Errors are CmdletError in Windows' own words.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session

Cmdlet = Callable[[Session, Parameters], list[Any]]

_MODULES = (
    "cim_cmdlets",
    "failover_clusters",
    "files",
    "hgs_client",
    "host_facts",
    "hyper_v",
    "hyper_v_create",
    "hyper_v_hardware",
    "hyper_v_power",
    "hyper_v_snapshots",
    "management",
    "process_cim",
    "shielded_vm",
    "shielding_files",
    "storage",
)
_REGISTRY: dict[str, Cmdlet] = {}


def cmdlet(name: str) -> Callable[[Cmdlet], Cmdlet]:
    """Registers a function as a cmdlet."""

    def register(function: Cmdlet) -> Cmdlet:
        if name.casefold() in _REGISTRY:
            raise RuntimeError(f"two cmdlets are named {name}")
        _REGISTRY[name.casefold()] = function
        return function

    return register


@functools.cache
def _load() -> None:
    for module in _MODULES:
        name = f"{__name__}.{module}"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def find(name: str) -> Cmdlet:
    """The cmdlet of this name; raises `unknown`."""
    _load()
    function = _REGISTRY.get(name.rsplit("\\", 1)[-1].casefold())
    if function is None:
        raise unknown(name)
    return function


def unknown(name: str) -> CmdletError:
    """PowerShell's error for a command that it does not know."""
    return CmdletError(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, "
        "or operable program. Check the spelling of the name, or if a path was included, "
        "verify that the path is correct and try again.",
        "ObjectNotFound",
        "CommandNotFoundException",
    )


def known() -> frozenset[str]:
    """Names of all cmdlets, in lower case."""
    _load()
    return frozenset(_REGISTRY)
