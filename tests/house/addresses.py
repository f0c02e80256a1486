"""Every address that the portal's resolver knows."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("get", "post", "put", "patch", "delete")
SOME_ID = str(uuid.UUID(int=0x40008000 << 32))


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern


def _plain(route: str) -> str:
    """A router's regular expression as a route: `^tenants/(?P<pk>[^/]+)/$` is `tenants/<>/`."""
    route = re.sub(r"\(\?P<\w+>(?:\[[^\]]*\]|[^()])*\)", "<>", route)
    route = re.sub(r"<[^>]*>", "<>", route)
    return route.replace("^", "").replace("\\Z", "").replace("$", "").replace("\\.", ".")


def _api_methods(pattern: URLPattern) -> list[str]:
    view: Any = pattern.callback
    actions = getattr(view, "actions", None)
    if actions is not None:
        return [method for method in actions if method in METHODS]
    return [method for method in METHODS if hasattr(getattr(view, "cls", None), method)]


def api() -> Iterator[tuple[str, str, type]]:
    """(method and route as the table writes it, the address to ask, the view's class)"""
    for route, pattern in _walk(get_resolver().url_patterns):
        view: Any = pattern.callback
        if not route.startswith("api/v1/") or not hasattr(view, "cls"):
            continue
        plain = _plain(route.removeprefix("api/v1/"))
        for method in _api_methods(pattern):
            address = "/api/v1/" + plain.replace("<>", SOME_ID)
            yield f"{method.upper()} {plain}", address, view.cls


def pages() -> Iterator[tuple[str, str]]:
    """(route as Django writes it, the address to ask)"""
    for route, pattern in _walk(get_resolver().url_patterns):
        if hasattr(pattern.callback, "cls") or route.startswith("^static"):
            continue
        address = re.sub(r"<int:[^>]*>", "1", route)
        address = re.sub(r"<slug:[^>]*>", "not-found", address)
        address = re.sub(r"<uuid:[^>]*>", SOME_ID, address)
        yield route, "/" + re.sub(r"<[^>]*>", "x", address)
