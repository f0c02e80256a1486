"""What somebody fills into a tenant's answer file isn't told again, to whomever."""

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.fabric.credentials import EnvelopeError
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from tests.fabric.fixtures import api as client_of
from tests.vms.deployments.makers import KEYS, shielded

pytestmark = pytest.mark.django_db
VALUE = "VK7JG-NPHTM-C97JM-9MPGT-3V66T"


def test_values_for_the_answer_file_are_on_no_page_in_no_answer_and_not_in_the_log(
    people, fabric, disk, data, caplog
):
    body = shielded(fabric, disk, data) | {
        "specialization": {"@ComputerName@": "new-01", "@ProductKey@": VALUE}
    }
    asked = client_of(people.contoso).post("/api/v1/deployments/", body)
    assert asked.status_code == 202 and VALUE not in asked.content.decode()
    row, operation = Deployment.objects.get(), Operation.objects.get()
    assert set(row.specialization) == set(KEYS)
    assert VALUE not in str(list(Deployment.objects.values()))

    for person in (people.admin, people.contoso, people.auditor):
        api, page = client_of(person), Client()
        page.force_login(person)
        for address in (
            "/api/v1/deployments/", f"/api/v1/deployments/{row.pk}/", "/api/v1/operations/",
            f"/api/v1/operations/{operation.pk}/", f"/api/v1/operations/{operation.pk}/events/",
            "/api/v1/audit/entries/",
        ):  # fmt: skip
            assert VALUE not in api.get(address).content.decode(), address
        for address in (
            "/deployments/", reverse("deployments:detail", args=[row.pk]),
            reverse("operations:operation_detail", args=[operation.pk]), "/activity/",
        ):  # fmt: skip
            assert VALUE not in page.get(address).content.decode(), address
    assert VALUE not in caplog.text and VALUE not in str(operation.parameters)
    assert VALUE not in str(list(AuditEntry.objects.values()))


def test_values_are_sealed_anew_with_the_newest_key(people, fabric, disk, data, settings):
    body = shielded(fabric, disk, data) | {
        "specialization": {"@ComputerName@": "new-01", "@ProductKey@": VALUE}
    }
    client_of(people.contoso).post("/api/v1/deployments/", body)
    before = Deployment.objects.get().sealed_values
    settings.FABRIC_CREDENTIAL_KEYS = {"new": bytes(32)} | settings.FABRIC_CREDENTIAL_KEYS

    call_command("rotate_credential_keys")

    settings.FABRIC_CREDENTIAL_KEYS = {"new": bytes(32)}
    row = Deployment.objects.get()
    assert row.sealed_values != before
    assert row.specialization["@ProductKey@"] == VALUE


def test_another_row_s_values_do_not_open(people, fabric, disk, data):
    body = shielded(fabric, disk, data) | {
        "specialization": {"@ComputerName@": "new-01", "@ProductKey@": VALUE}
    }
    client_of(people.contoso).post("/api/v1/deployments/", body)
    row = Deployment.objects.get()

    with pytest.raises(EnvelopeError):
        _ = Deployment(sealed_values=row.sealed_values).specialization
