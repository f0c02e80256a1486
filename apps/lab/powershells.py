"""PowerShell processes of simulated hosts: sessions' own, and those of detached jobs.

A process is known by the event that ends it: the one that a terminated command or a stopped job
sets. A session's runs until that is set, or its host is off or was restarted.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass

from apps.lab import processes
from apps.lab.world import World

SESSION = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ..."


@dataclass(frozen=True)
class PowerShell:
    host: str
    booted_at: float
    number: int


_Table = weakref.WeakKeyDictionary[threading.Event, PowerShell]
_TABLES: weakref.WeakKeyDictionary[World, _Table] = weakref.WeakKeyDictionary()


def number_of(world: World, host: str, ending: threading.Event) -> int:
    """The id of the process that this event ends; a session's begins when it is first asked for."""
    with world.locked():
        for job in processes.alive(world, host).values():
            if job.ended is ending:
                return job.number
        table = _TABLES.setdefault(world, _Table())
        if ending not in table:
            booted_at = world.node(host).booted_at
            table[ending] = PowerShell(host, booted_at, processes.new_number())
        return table[ending].number


def of_sessions(world: World, host: str) -> list[int]:
    """Ids of those that run on a host for sessions. Callers hold the lock."""
    node = world.node(host)
    return [
        one.number
        for ending, one in list(_TABLES.get(world, _Table()).items())
        if one.host == host and not ending.is_set() and one.booted_at == node.booted_at
    ]
