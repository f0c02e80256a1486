from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class AuditConfig(AppConfig):
    name = "apps.audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        navigation.solution(
            "audit",
            "Audit",
            "audit:entry_list",
            icon="audit",
            order=50,
            visible=lambda user: holds(user, "audit-entry", "view"),
        )
