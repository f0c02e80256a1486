"""What stands in the top bar and beside the pages; rooms register theirs when they are ready."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme


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

    @property
    def address(self) -> str:
        return _address(self.url_name, get_script_prefix()) + self.query


@lru_cache(maxsize=256)
def _address(url_name: str, prefix: str) -> str:
    """Kept, as every page asks for all of them, and more than once."""
    return reverse(url_name)


@dataclass(frozen=True)
class Here:
    """Where a page stands: its section, what that is called, and the address of its tool."""

    section: str
    label: str
    tool: str


_solutions: dict[str, Link] = {}
_homes: dict[str, str] = {}
_tools: dict[tuple[str, str, str], Link] = {}


def _always(user: Any) -> bool:
    return True


def solution(
    section: str, label: str, url_name: str, *, icon: str, order: int,
    visible: Callable[[Any], bool] = _always,
) -> None:  # fmt: skip
    """A part of the product, in the top bar. `section` is what pages name as theirs; whoever
    names it again replaces it.
    """
    _solutions[section] = Link(section, label, url_name, icon, order, visible)


def tool(
    section: str, label: str, url_name: str, *, icon: str, order: int, group: str = "",
    query: str = "", visible: Callable[[Any], bool] = _always,
) -> None:  # fmt: skip
    """A page of a section, in the list beside its pages."""
    link = Link(section, label, url_name, icon, order, visible, group, query)
    _tools[section, url_name, query] = link


def home(role: str, url_name: str) -> None:
    """The first page of a role that has another than the overview."""
    _homes[role] = url_name


def home_of(user: Any) -> str:
    """The name of the page that the person sees first; empty for the overview."""
    return _homes.get(user.role, "")


def solutions(user: Any) -> list[Link]:
    return sorted(
        (link for link in _solutions.values() if link.visible(user)), key=lambda link: link.order
    )


def tools(user: Any, section: str) -> list[Link]:
    """The tools of a section that the person has business with, in their order."""
    found = [link for link in _tools.values() if link.section == section and link.visible(user)]
    return sorted(found, key=lambda link: link.order)


def here(user: Any, section: str, path: str, query: str) -> Here:
    """The place of a page. Pages may name their section; else the tool whose address begins theirs
    the longest says it. `query` is without its question mark.
    """
    known = {link.section: link.label for link in solutions(user)}
    within = [section] if section else list(known)
    best, length = Here(section, known.get(section, ""), ""), 0
    for link in (link for name in within for link in tools(user, name)):
        fits = _fits(link, path, query)
        if fits > length:
            best, length = Here(link.section, known.get(link.section, ""), link.address), fits
    return best


def _fits(link: Link, path: str, query: str) -> int:
    """How much of an address a tool's own one covers; 0: it is another place."""
    address = _address(link.url_name, get_script_prefix())
    if link.query:
        return len(link.address) if (path, f"?{query}") == (address, link.query) else 0
    if path == address:
        return len(address)
    return len(address) if address != "/" and path.startswith(address) else 0


def next_address(request: HttpRequest) -> str:
    """Where to go afterwards: only inside of the portal."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    return wanted if _is_inside(request, wanted) else "/"


def came_from(request: HttpRequest, otherwise: str) -> str:
    """The page that a form was sent from, as it was filtered by then."""
    page = request.headers.get("Referer", "")
    return page if _is_inside(request, page) else otherwise


def _is_inside(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
