"""What the observation workers do for attestation."""

import logging

from celery import shared_task

from apps.attestation.guardian.reading import read_guardian_service
from apps.attestation.models import GuardianService
from apps.remoting.errors import RemotingError

QUEUE = "observations"
logger = logging.getLogger(__name__)


@shared_task(name="attestation.observe", acks_late=False)
def observe() -> None:
    for service_id in GuardianService.objects.values_list("pk", flat=True):
        observe_guardian_service.apply_async(args=(str(service_id),), queue=QUEUE)


@shared_task(name="attestation.observe_guardian_service", acks_late=False)
def observe_guardian_service(service_id: str) -> None:
    service = GuardianService.objects.filter(pk=service_id).first()
    if service is None:
        return
    try:
        read_guardian_service(service)
    except RemotingError as error:
        # its row says so already; the log is for whoever looks after the portal
        logger.warning("Guardian service %s was not read: %s", service.name, error.message)
