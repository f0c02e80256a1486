"""All addresses: each room brings its own `urls` (pages) and `api.urls` (below /api/v1/)."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path

from apps.common import views
from fabric_portal.rooms import modules


def metrics(request: HttpRequest) -> HttpResponse:
    """Imported when it is asked for: it reads rows of every room."""
    from fabric_portal.metrics import metrics

    return metrics(request)


urlpatterns: list[URLPattern | URLResolver] = [
    *(path("api/v1/", include(name)) for name in modules("api.urls")),
    path("metrics/", metrics, name="metrics"),
    *(path("", include(name)) for name in modules("urls")),
]
handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
