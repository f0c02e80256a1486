"""The OpenAPI document: what Django's views tell, and what is served beside them."""

from typing import Any


def add_what_is_served_beside(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """A room adds what no view tells (uploads, event streams) by `describe`."""
    for path, methods in _described.items():
        result["paths"].setdefault(path, {}).update(methods)
    return result


_described: dict[str, dict[str, Any]] = {}


def describe(path: str, methods: dict[str, Any]) -> None:
    """Puts an address into the schema by hand: OpenAPI's path item, by lower-case method."""
    _described.setdefault(path, {}).update(methods)
