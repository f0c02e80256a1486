"""Whatever a view raises, as a problem document."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from apps.common import errors, problems

logger = logging.getLogger(__name__)


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """None (a fault of ours) lets the exception rise to the log and to the handler for 500."""
    error = as_portal_error(exception)
    if error is None:
        return None
    request = context.get("request")
    sent = problems.headers(error)
    if isinstance(error, errors.MethodNotAllowed) and context.get("view") is not None:
        sent["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(
        problems.document(error, request),
        status=error.status,
        headers=sent,
        content_type=problems.MEDIA_TYPE,
    )


def as_portal_error(exception: Exception) -> errors.PortalError | None:
    """The framework's exceptions in our words; None for what is none of them."""
    if isinstance(exception, errors.PortalError):
        return exception
    if isinstance(exception, drf.ValidationError):
        return invalid(exception.detail)
    if isinstance(exception, ModelInvalid):
        return invalid(
            drf.ValidationError(
                exception.message_dict if hasattr(exception, "error_dict") else exception.messages
            ).detail
        )
    for kinds, make in _TRANSLATED:
        if isinstance(exception, kinds):
            return make(exception)
    return None


def invalid(detail: Any) -> errors.Invalid:
    """The framework's nested validation detail, flattened to one entry a fault."""
    found = list(_flatten(detail, ""))
    if len(found) == 1:
        only = found[0]
        text = f"{only.field}: {only.message}" if only.field else only.message
        return errors.Invalid(text, errors=found)
    named = ", ".join(sorted({one.field for one in found if one.field}))
    return errors.Invalid(
        f"Some fields are not right: {named}." if named else "The request isn't right.",
        errors=found,
    )


def _flatten(detail: Any, path: str) -> Iterator[errors.FieldError]:
    if isinstance(detail, dict):
        for key, inner in detail.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _flatten(inner, f"{path}.{own}".strip("."))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            # A list of dicts has one entry for each row sent; a list of texts tells of the field
            # itself.
            where = f"{path}[{number}]" if isinstance(inner, dict) else path
            if inner:
                yield from _flatten(inner, where)
    else:
        yield errors.FieldError(path, str(getattr(detail, "code", "invalid")), str(detail))


def _rate_limited(exception: Any) -> errors.PortalError:
    return errors.RateLimited("There were too many requests.", retry_after=int(exception.wait or 1))


def without_redis(exception: RedisError) -> errors.Unavailable:
    """What a request is told that can't be served without Redis; the log says the rest."""
    logger.error("Redis doesn’t answer: %s", exception)
    return errors.Unavailable(
        "The portal’s Redis server doesn’t answer.", hint="Try again in a moment."
    )


_TRANSLATED: tuple[tuple[Any, Any], ...] = (
    (
        (drf.NotAuthenticated, drf.AuthenticationFailed),
        lambda e: errors.Unauthenticated(str(e.detail)),
    ),
    ((Http404, drf.NotFound), lambda e: errors.NotFound("There is nothing at this address.")),
    (PermissionDenied, lambda e: errors.Forbidden("You may not do this.")),
    (drf.PermissionDenied, lambda e: errors.Forbidden(str(e.detail))),
    (drf.MethodNotAllowed, lambda e: errors.MethodNotAllowed(str(e.detail))),
    (drf.NotAcceptable, lambda e: errors.NotAcceptable("Only application/json is served here.")),
    (
        drf.UnsupportedMediaType,
        lambda e: errors.UnsupportedMediaType(str(e.detail), hint="Send application/json."),
    ),
    (drf.Throttled, _rate_limited),
    (RedisError, without_redis),
    (RequestDataTooBig, lambda e: errors.TooLarge("The request is larger than 1 MiB.")),
    (drf.APIException, lambda e: errors.Invalid(str(e.detail)) if e.status_code < 500 else None),
)
