"""The processes of detached jobs on the lab's hosts: threads, known by their job and a number."""

from __future__ import annotations

import itertools
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any

from apps.lab.world import World

_NUMBERS = itertools.count(4000, 4)  # Windows' process ids go by four
_RUNNING: weakref.WeakKeyDictionary[World, dict[str, Process]] = weakref.WeakKeyDictionary()


@dataclass
class Process:
    """A job's thread: which row it writes, since which start of its host, how to end it."""

    row: dict[str, Any]
    booted_at: float
    ended: threading.Event = field(default_factory=threading.Event)
    number: int = field(default_factory=lambda: new_number())


def new_number() -> int:
    """An id that no process of any host has."""
    return next(_NUMBERS)


def begin(world: World, key: str, process: Process) -> None:
    """`key` is the host's name and the job's id, as in `world.jobs`. Callers hold the lock."""
    _RUNNING.setdefault(world, {})[key] = process


def end(world: World, key: str) -> None:
    """Has the thread see that it is to end. Callers hold the lock."""
    process = _RUNNING.get(world, {}).pop(key, None)
    if process is not None:
        process.ended.set()


def forget(world: World, key: str, process: Process) -> None:
    """The thread is through."""
    with world.locked():
        running = _RUNNING.get(world, {})
        if running.get(key) is process:
            del running[key]


def alive(world: World, host: str) -> dict[str, Process]:
    """Those that run on a host, by their keys. Callers hold the lock."""
    keys = [key for key in _RUNNING.get(world, {}) if key.rpartition("/")[0] == host]
    return {key: _RUNNING[world][key] for key in keys if is_alive(world, host, key)}


def is_alive(world: World, host: str, key: str) -> bool:
    """Whether the job's process runs: stopped by nobody, and its host neither off nor restarted."""
    process = _RUNNING.get(world, {}).get(key)
    if process is None or world.closed or world.jobs.get(key) is not process.row:
        return False
    try:
        node = world.node(host)
    except LookupError:
        return False
    runs = node.power == "on" and node.booted_at == process.booted_at
    if not runs:
        process.ended.set()
    return runs
