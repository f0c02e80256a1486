"""What a job on a host says is on the deployment's page while it goes on."""

import pytest
from django.test import Client

from apps.operations.context import Context
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.steps.site import Site
from tests.fabric.fixtures import api
from tests.vms.deployments.makers import GIB, regular
from tests.vms.deployments.test_making import PATH, where

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_words_of_a_job_are_in_the_transcript_with_their_step(cluster, lab, folk):
    row = api(folk.admin).post(PATH, regular(cluster, **where(cluster))).json()
    deployment = Deployment.objects.select_related("host__cluster", "volume").get(pk=row["id"])
    Operation.objects.filter(pk=deployment.operation_id).update(status="running", worker="me")
    context = Context(Operation.objects.get(pk=deployment.operation_id))

    with context.step("Create the virtual machine"):
        Site(context, deployment).run_job(
            "New-DeploymentVM",
            {
                "DeploymentId": str(deployment.pk), "Name": "new-01",
                "Folder": deployment.folder, "NewDiskBytes": GIB, "MemoryBytes": GIB,
            },
        )  # fmt: skip

    said = context.operation.events.filter(kind="log").values_list("step", "message")
    assert {step for step, _ in said} == {"Create the virtual machine"}
    assert "Preparing the disk of new-01" in "\n".join(message for _, message in said)
    client = Client()
    client.force_login(folk.admin)
    page = client.get(f"/deployments/{deployment.pk}/").content.decode()
    transcript = page.split('id="transcript"')[1].split("</code>")[0]
    assert "Preparing the disk of new-01" in transcript
