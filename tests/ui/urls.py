"""The portal's addresses, and a page with every piece in its states (tests only)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from fabric_portal.urls import handler400, handler403, handler404, handler500
from fabric_portal.urls import urlpatterns as portal
from tests.ui import gallery

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def pieces(request: HttpRequest) -> HttpResponse:
    return render(request, "ui/pieces.html", gallery.context())


def row(request: HttpRequest, name: str) -> HttpResponse:
    """One row, read again; `?state=` says what it shows now."""
    state = request.GET.get("state", "Running")
    return render(request, "ui/_row.html", {"name": name, "state": state})


def pane(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        answer = HttpResponse(status=204)
        answer.headers["HX-Trigger"] = (
            '{"fabric:pane-done": "", "toast": {"message": "Saved", "tone": "success"}}'
        )
        return answer
    return render(request, "ui/_pane.html")


def refuse(request: HttpRequest) -> HttpResponse:
    """A service that says no, as a page of its own."""
    from apps.common.errors import Conflict

    raise Conflict("It is being moved.", hint="Wait until it has arrived.")


def done(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p id=outcome>Turned off</p>")


urlpatterns = [
    path("pieces/", pieces),
    path("pieces/rows/<str:name>/", row, name="piece_row"),
    path("pieces/pane/", pane),
    path("pieces/refuse/", refuse),
    path("pieces/done/", done),
    *portal,
]
