"""What a service gave back, as an answer."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

_accepted: dict[type, type[BaseSerializer[Any]]] = {}


def register(model: type, serializer: type[BaseSerializer[Any]]) -> None:
    """Rows of this model stand for work that was accepted: 202 with the row, and its address in
    Location.
    """
    _accepted[model] = serializer


def answer(result: Any, request: Request) -> Response:
    """202 for an operation, 204 for nothing, 200 for a document; a Response stays what it is."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status=204)
    serializer = _accepted.get(type(result))
    if serializer is None:
        return Response(result)
    return accepted(result, request)


def accepted(operation: Any, request: Request, body: Any = None) -> Response:
    """202 with `body` (the operation's own row unless told) and the operation's address in
    Location.
    """
    row = _accepted[type(operation)](operation, context={"request": request}).data
    return Response(row if body is None else body, status=202, headers={"Location": row["url"]})
