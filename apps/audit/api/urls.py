from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.audit.api import proofs
from apps.audit.api.views import AuditEntryViewSet

router = SimpleRouter()
router.register("audit/entries", AuditEntryViewSet, basename="audit-entry")
urlpatterns = [
    *router.urls,
    path("audit/checkpoint/", proofs.CheckpointView.as_view(), name="audit-checkpoint"),
    path("audit/proofs/inclusion/", proofs.InclusionView.as_view(), name="audit-inclusion"),
    path("audit/proofs/consistency/", proofs.ConsistencyView.as_view(), name="audit-consistency"),
    path("audit/export/", proofs.ExportView.as_view(), name="audit-export"),
]
