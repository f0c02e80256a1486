from django.urls import path

from apps.attestation.views import pages

app_name = "attestation"
urlpatterns = [
    path("attestation/", pages.attestation, name="attestation"),
    path("guardian-services/", pages.guardian_services, name="guardian_services"),
    path(
        "guardian-services/<uuid:pk>/refresh/",
        pages.guardian_service_refresh,
        name="guardian_service_refresh",
    ),
    path("hosts/<uuid:pk>/guard/", pages.host_guard, name="host_guard"),
    path("hosts/<uuid:pk>/diagnose/", pages.host_diagnose, name="host_diagnose"),
]
