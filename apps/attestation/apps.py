from django.apps import AppConfig


class AttestationConfig(AppConfig):
    name = "apps.attestation"
    verbose_name = "Attestation"

    def ready(self) -> None:
        from apps.attestation import runners, selectors
        from apps.attestation.observing import AttestationObserver
        from apps.fabric import extensions, observers

        runners.register()
        observers.register(AttestationObserver())
        extensions.register_host_extra("attestation", selectors.attestation_of_hosts)
        extensions.register_cluster_extra("guardian_service", selectors.guardian_of_clusters)
