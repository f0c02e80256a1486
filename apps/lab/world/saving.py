"""The world as a JSON document and back, and the thread that keeps its file new."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
PAUSE = 0.1  # seconds in which changes gather into one writing


def to_plain(row: Any) -> Any:
    """A row (and those in it) as JSON values. Faults that are being hung on are of the moment."""
    if is_dataclass(row):
        return {f.name: to_plain(getattr(row, f.name)) for f in fields(row) if f.name != "hanging"}
    if isinstance(row, dict):
        return {key: to_plain(value) for key, value in row.items()}
    if isinstance(row, list):
        return [to_plain(value) for value in row]
    return row


def from_plain(kind: Any, value: Any) -> Any:
    """The row of a dataclass that `to_plain` wrote."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(arg for arg in typing.get_args(kind) if arg is not type(None))
        return None if value is None else from_plain(inner, value)
    if origin is list:
        return [from_plain(typing.get_args(kind)[0], item) for item in value]
    if origin is dict:
        return {key: from_plain(typing.get_args(kind)[1], item) for key, item in value.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{k: from_plain(hints[k], v) for k, v in value.items() if k in hints})
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(kind)


def write(path: Path, document: dict[str, Any]) -> None:
    """Replaces the file in one step: a reader or a crash meets the old one or the new one."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(document, file, separators=(",", ":"))
    part.chmod(0o600)
    os.replace(part, path)


def read(path: Path, digest: str) -> dict[str, Any] | None:
    """The document saved for this very definition, or None."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = document.get("format") == FORMAT and document.get("digest") == digest
    return document if same else None


class Saver:
    """Writes the document whenever `touch` was called, soon after, and at `close` at the latest."""

    def __init__(self, path: Path, document: Callable[[], dict[str, Any]]) -> None:
        self._path, self._document = path, document
        self._dirty, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-saver", daemon=True)
        self._thread.start()

    def touch(self) -> None:
        self._dirty.set()

    def close(self) -> None:
        self._stop.set()
        self._dirty.set()
        self._thread.join(5)
        with contextlib.suppress(FileNotFoundError):
            self._path.with_suffix(".part").unlink()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._dirty.wait()
            self._stop.wait(PAUSE)
            self._dirty.clear()
            write(self._path, self._document())
