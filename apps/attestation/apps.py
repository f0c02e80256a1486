from typing import Any

from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class AttestationConfig(AppConfig):
    name = "apps.attestation"
    verbose_name = "Attestation"

    def ready(self) -> None:
        from apps.attestation import pages, runners, selectors
        from apps.attestation.observing import AttestationObserver
        from apps.fabric import attention, extensions, observers

        runners.register()
        observers.register(AttestationObserver())
        attention.register(pages.attention)
        extensions.register_host_extra("attestation", selectors.attestation_of_hosts)
        extensions.register_host_extra("attestation_details", pages.details_by_host)
        extensions.register_cluster_extra("guardian_service", selectors.guardian_of_clusters)
        extensions.register_cluster_extra("attestation", pages.counts_by_cluster)
        _navigate()


def _navigate() -> None:
    navigation.home("auditor", "attestation:attestation")
    navigation.solution(
        "guardian", "Guardian", "attestation:attestation", icon="guardian", order=40,
        visible=_sees_verdicts,
    )  # fmt: skip
    navigation.tool(
        "guardian", "Attestation", "attestation:attestation", icon="attest", order=10,
        visible=_sees_verdicts,
    )  # fmt: skip
    navigation.tool(
        "clusters", "Attestation", "attestation:attestation", icon="attest", order=40,
        group="Trust", visible=_sees_verdicts,
    )  # fmt: skip
    navigation.tool(
        "guardian", "Services", "attestation:guardian_services", icon="guardian", order=20,
        visible=_sees_services,
    )  # fmt: skip


def _sees_verdicts(user: Any) -> bool:
    return holds(user, "verdict", "view")


def _sees_services(user: Any) -> bool:
    return holds(user, "guardian-service", "view")
