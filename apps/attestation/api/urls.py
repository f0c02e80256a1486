"""Addresses below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.attestation.api import views

router = SimpleRouter()
router.register("guardian-services", views.GuardianServiceViewSet, "guardian-service")
router.register("attestation/verdicts", views.VerdictViewSet, "verdict")
router.register("attestation/history", views.HistoryViewSet, "verdict-span")
urlpatterns = [
    path(
        f"hosts/<str:pk>/{verb}/",
        views.HostAttestationViewSet.as_view({"post": verb}),
        name=f"host-{verb}",
    )
    for verb in ("guard", "diagnose")
] + router.urls
