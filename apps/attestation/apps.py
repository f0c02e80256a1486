from django.apps import AppConfig


class AttestationConfig(AppConfig):
    name = "apps.attestation"
    verbose_name = "Attestation"
