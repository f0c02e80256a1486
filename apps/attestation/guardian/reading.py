"""Reads a guardian service and writes down what it said."""

from django.db import transaction
from django.utils import timezone

from apps.attestation.guardian import metadata
from apps.attestation.guardian.fetching import Answer, fetch
from apps.attestation.models import GuardianCertificate, GuardianService
from apps.operations import nudges
from apps.remoting.errors import RemotingError


def read_guardian_service(service: GuardianService) -> None:
    """Raises RemotingError when the service doesn't answer; its row then says so."""
    at = timezone.now()
    try:
        answer = fetch(service.url, service.name)
    except RemotingError as error:
        service.failing_since, service.problem = service.failing_since or at, error.message
        service.save(update_fields=["failing_since", "problem"])
        nudges.publish("attestation", service.pk, kind="guardian-service")
        raise
    service.observed_at, service.failing_since, service.problem = at, None, ""
    _write(service, answer)


@transaction.atomic
def _write(service: GuardianService, answer: Answer) -> None:
    service.mode = answer.mode or service.mode
    service.metadata = answer.metadata
    try:
        named = metadata.parse(answer.metadata)
        service.metadata_problem = ""
        service.metadata_verified = all(
            one.verified for one in named if one.kind != metadata.CertificateKind.OTHER_SIGNING
        )
    except metadata.MetadataProblem as problem:
        named, service.metadata_problem = [], str(problem)
        service.metadata_verified = False
    service.save()
    service.certificates.all().delete()
    GuardianCertificate.objects.bulk_create(
        GuardianCertificate(
            service=service, kind=one.kind, subject=one.subject, thumbprint=one.thumbprint,
            sha256=one.sha256, not_before=one.certificate.not_valid_before_utc,
            not_after=one.certificate.not_valid_after_utc, verified=one.verified,
        )
        for one in named
    )  # fmt: skip
    nudges.publish("attestation", service.pk, kind="guardian-service")
