"""What every page of the portal shows around its own content."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from apps.common import navigation

_counts: dict[str, Callable[[Any], int]] = {}


def register_count(name: str, count: Callable[[Any], int]) -> None:
    """A number in the shell, such as `running`: asked once a page."""
    _counts[name] = count


def shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"shell": {"theme": request.COOKIES.get("theme", "")}}
    return {"shell": _Shell(user)}


class _Shell:
    """Asked by templates alone, so that an answer without a shell costs nothing."""

    def __init__(self, user: Any) -> None:
        self.user = user

    @property
    def theme(self) -> str:
        return str(self.user.theme)

    @property
    def solutions(self) -> list[navigation.Link]:
        return navigation.solutions(self.user)

    @property
    def counts(self) -> dict[str, int]:
        return {name: count(self.user) for name, count in _counts.items()}
