"""All addresses: each room brings its own `urls` (pages) and `api.urls` (below /api/v1/)."""

from django.urls import URLPattern, URLResolver, include, path

from apps.common import views
from fabric_portal.rooms import modules

urlpatterns: list[URLPattern | URLResolver] = [
    *(path("api/v1/", include(name)) for name in modules("api.urls")),
    *(path("", include(name)) for name in modules("urls")),
]
handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
