"""What the observation workers do for the fabric."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import beat_init
from django.conf import settings

from apps.fabric import inventory, locks
from apps.fabric.models import Cluster
from apps.remoting.errors import RemotingError

QUEUE = "observations"
logger = logging.getLogger(__name__)


@shared_task(name="fabric.observe", acks_late=False)
def observe() -> None:
    """Has every cluster read, each by its own task."""
    for cluster_id in Cluster.objects.values_list("pk", flat=True):
        observe_cluster.apply_async(
            args=(str(cluster_id),), queue=QUEUE, expires=settings.FABRIC_OBSERVE_SECONDS
        )


@shared_task(name="fabric.observe_cluster", acks_late=False)
def observe_cluster(cluster_id: str) -> None:
    """Reads a cluster, unless that is being done."""
    cluster = Cluster.objects.filter(pk=cluster_id).first()
    if cluster is None:
        return
    try:
        with locks.reading(cluster.pk):
            inventory.read_cluster(cluster)
    except locks.Busy:
        return
    except RemotingError as error:
        # its rows say so already; the log is for whoever looks after the portal
        logger.warning("Cluster %s was not read: %s", cluster.name, error.message)


@beat_init.connect
def observe_at_start(**_: Any) -> None:
    """A portal that was off shows old rows: they are read at once, not a minute later."""
    observe.apply_async(queue=QUEUE)
