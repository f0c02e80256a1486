"""Answers for htmx."""

import json
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse

Tone = Literal["info", "success", "warning", "danger"]


def is_partial(request: HttpRequest) -> bool:
    """Whether the page asks for a part of itself, not for a page (a boosted link asks for a
    page).
    """
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def toast(response: HttpResponse, message: str, tone: Tone = "info") -> HttpResponse:
    """Has the page show a short message with this answer."""
    told = json.loads(response.headers.get("HX-Trigger", "{}"))
    told["toast"] = {"message": message, "tone": tone}
    response.headers["HX-Trigger"] = json.dumps(told)
    return response
