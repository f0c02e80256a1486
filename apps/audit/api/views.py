"""The log, for reading. Nothing writes to it over HTTP."""

from apps.audit.api.serializers import AuditEntrySerializer
from apps.audit.filters import AuditFilters
from apps.audit.models import AuditEntry
from apps.common.api.views import RestrictedViewSet


class AuditEntryViewSet(RestrictedViewSet):
    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilters
    lookup_field = "index"
