"""A place in a definition: what stands there, asked for by its kind, and what is wrong with it."""

from __future__ import annotations

import difflib
from typing import Any


class DefinitionError(ValueError):
    """What is wrong with a definition, and where."""


class Place:
    """A mapping of the document, its place in it, and what was asked of it."""

    def __init__(self, value: Any, where: str, warnings: list[str]) -> None:
        if not isinstance(value, dict):
            raise DefinitionError(f"{where}: a mapping is wanted, not {_kind(value)}")
        self.value, self.where, self.warnings = value, where, warnings
        self._asked: set[str] = set()

    def fail(self, key: str, problem: str) -> DefinitionError:
        return DefinitionError(f"{self.where + '.' if self.where else ''}{key}: {problem}")

    def get(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        value = self.value.get(key)
        return default if value is None else value

    def text(self, key: str, default: str | None = None) -> str:
        """Some text; numbers are taken as their digits."""
        value = self.get(key, default)
        if value is None:
            raise self.fail(key, "is missing")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(key, f"text is wanted, not {_kind(value)}; put it in quotes")
        text = str(value)
        if not text.strip() or any(ord(c) < 32 for c in text):
            raise self.fail(key, "is empty or holds control characters")
        return text

    def number(self, key: str, default: float, least: float = 0) -> float:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(key, f"a number is wanted, not {_kind(value)}")
        if not least <= value < 1 << 40:
            raise self.fail(key, f"{value} is out of range, at least {least:g} is wanted")
        return value

    def whole(self, key: str, default: int, least: int = 0) -> int:
        value = self.number(key, default, least)
        if value != int(value):
            raise self.fail(key, f"a whole number is wanted, not {value}")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"true or false is wanted, not {_kind(value)}")
        return value

    def word(self, key: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of the words, whatever its case and hyphens; YAML's bare `Off` and `on` too."""
        value = self.get(key, default)
        if isinstance(value, bool):
            value = _meant(value, words)
        if value is None:
            raise self.fail(key, "is missing")
        found = {_fold(word): word for word in words}.get(_fold(value))
        if found is None:
            near = difflib.get_close_matches(str(value), words, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise self.fail(key, f"{value!r} is none of {', '.join(words)}{hint}")
        return found

    def rows(self, key: str) -> list[Place]:
        value = self.get(key, [])
        if not isinstance(value, list):
            raise self.fail(key, f"a list is wanted, not {_kind(value)}")
        where = f"{self.where}.{key}" if self.where else key
        return [Place(row, f"{where}[{i}]", self.warnings) for i, row in enumerate(value)]

    def texts(self, key: str, default: list[str]) -> list[str]:
        value = self.get(key, default)
        if not isinstance(value, list) or not all(isinstance(row, str) for row in value):
            raise self.fail(key, "a list of texts is wanted")
        return value

    def part(self, key: str) -> Place | None:
        value = self.get(key)
        where = f"{self.where}.{key}" if self.where else key
        return None if value is None else Place(value, where, self.warnings)

    def done(self) -> None:
        """Tells of keys that nobody asked for."""
        for key in self.value:
            if key in self._asked:
                continue
            near = difflib.get_close_matches(str(key), sorted(self._asked), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.warnings.append(f"{self.where or 'the document'}: {key} is not known{hint}")


def _meant(value: bool, words: tuple[str, ...]) -> str:
    """YAML reads a bare Off as false and On as true."""
    if not value:
        return "Off" if "Off" in words else "off"
    return "Running" if "Running" in words else "on"


def _fold(value: Any) -> str:
    return "".join(c for c in str(value).casefold() if c.isalnum())


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
