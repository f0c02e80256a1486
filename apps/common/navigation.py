"""What stands in the top bar and beside the pages; rooms register theirs when they are ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Link:
    """One way to somewhere. `visible` asks whether the person has any business there."""

    section: str
    label: str
    url_name: str
    icon: str
    order: int
    visible: Callable[[Any], bool]
    group: str = ""
    query: str = ""


_solutions: list[Link] = []
_tools: list[Link] = []


def _always(user: Any) -> bool:
    return True


def solution(
    section: str, label: str, url_name: str, *, icon: str, order: int,
    visible: Callable[[Any], bool] = _always,
) -> None:  # fmt: skip
    """A part of the product, in the top bar. `section` is what pages name as theirs."""
    _solutions.append(Link(section, label, url_name, icon, order, visible))


def tool(
    section: str, label: str, url_name: str, *, icon: str, order: int, group: str = "",
    query: str = "", visible: Callable[[Any], bool] = _always,
) -> None:  # fmt: skip
    """A page of a section, in the list beside its pages."""
    _tools.append(Link(section, label, url_name, icon, order, visible, group, query))


def solutions(user: Any) -> list[Link]:
    return sorted((link for link in _solutions if link.visible(user)), key=lambda link: link.order)


def tools(user: Any, section: str) -> list[Link]:
    found = [link for link in _tools if link.section == section and link.visible(user)]
    return sorted(found, key=lambda link: link.order)
