"""What every page of the portal shows around its own content."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from apps.common import navigation

THEMES = frozenset({"light", "dark"})

_counts: dict[str, Callable[[Any], int]] = {}


def register_count(name: str, count: Callable[[Any], int]) -> None:
    """A number in the shell, such as `running`: asked once a page."""
    _counts[name] = count


def shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"shell": {"theme": _one_of(request, "theme", THEMES)}}
    return {"shell": _Shell(request, user)}


def _one_of(request: HttpRequest, cookie: str, values: frozenset[str]) -> str:
    """What the browser remembers, unless it is something else."""
    value = request.COOKIES.get(cookie, "")
    return value if value in values else ""


class _Shell:
    """Asked by templates alone, so that an answer without a shell costs nothing."""

    def __init__(self, request: HttpRequest, user: Any) -> None:
        self.request = request
        self.user = user

    @property
    def theme(self) -> str:
        """light, dark, or nothing: as the system."""
        return str(self.user.theme) or _one_of(self.request, "theme", THEMES)

    @property
    def tools(self) -> str:
        """Whether the list beside the page is folded to a rail."""
        return _one_of(self.request, "tools", frozenset({"closed"}))

    @property
    def solutions(self) -> list[navigation.Link]:
        return navigation.solutions(self.user)

    @property
    def counts(self) -> dict[str, int]:
        return {name: count(self.user) for name, count in _counts.items()}
