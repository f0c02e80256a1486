"""A file is deleted at the very moment in which somebody deploys it."""

import threading

import pytest
from django.db import connections, transaction

from apps.common.errors import InUse, PortalError
from apps.library import items
from apps.library.models import TemplateDisk
from apps.vms.deployments import services
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan
from tests.vms.deployments.makers import GIB


@pytest.mark.django_db(transaction=True)
def test_who_deletes_waits_for_who_deploys_and_is_told_of_it(fabric, disk, admin):
    plan = Plan(
        name="new-01", cluster=fabric, volume=fabric.volumes.get(), processors=1,
        memory_bytes=GIB, template_disk=disk,
    )  # fmt: skip
    told: list[PortalError] = []
    asked = threading.Event()

    def delete() -> None:
        try:
            item = TemplateDisk.objects.get(pk=disk.pk)
            asked.set()
            items.delete(actor=admin, item=item)
        except PortalError as error:
            told.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=delete)
    with transaction.atomic():
        services.deploy(actor=admin, plan=plan)
        thread.start()
        assert asked.wait(10)
        thread.join(0.5)  # it can't end before this transaction has
        assert thread.is_alive()
    thread.join(20)

    assert [type(error) for error in told] == [InUse]
    assert Deployment.objects.get().template_disk == disk
