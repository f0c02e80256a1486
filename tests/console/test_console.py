"""A console follows the shielding policy: at the API, on the page, and when it is opened."""

import pytest

from apps.audit.models import AuditEntry
from apps.console import tickets
from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import api

pytestmark = pytest.mark.django_db(transaction=True)


def ask(user, vm):
    return api(user).post(f"/api/v1/virtual-machines/{vm.pk}/console/", {}, format="json")


@pytest.mark.parametrize("who", ["admin", "contoso"])
def test_the_console_of_a_shielded_vm_is_refused_to_everybody_and_recorded(secret, folk, who):
    VirtualMachine.objects.filter(pk=secret.pk).update(tenant=folk.contoso_tenant)

    answer = ask(folk.all()[who], secret)

    assert answer.status_code == 403
    assert answer.json()["type"].rstrip("/").endswith("console-blocked-by-shielding")
    assert answer.json()["hint"]
    entry = AuditEntry.objects.filter(action="vm.console").latest("index")
    assert (entry.outcome, entry.actor_name) == ("refused", who)


def test_policy_is_asked_before_the_state(secret, folk):
    VirtualMachine.objects.filter(pk=secret.pk).update(state="off")

    assert ask(folk.admin, secret).status_code == 403


def test_an_unknown_protection_is_refused(plain, folk):
    VirtualMachine.objects.filter(pk=plain.pk).update(protection="unknown")

    assert ask(folk.admin, plain).status_code == 403


def test_the_auditor_and_a_strange_tenant_get_none(plain, folk):
    assert ask(folk.auditor, plain).status_code == 403
    assert ask(folk.fabrikam, plain).status_code == 404


def test_an_allowed_console_opens_once_with_the_basic_session_alone(plain, folk, client):
    url = ask(folk.admin, plain).json()["url"]

    first, second = client.get(url), client.get(url)

    assert (first.status_code, second.status_code) == (200, 404)
    assert first.headers["Content-Type"] == "application/x-rdp"
    document = first.content.decode()
    assert f"pcb:s:{str(plain.vm_id).upper()}\r\n" in document
    assert "EnhancedMode" not in document and "server port:i:2179\r\n" in document


def test_a_vm_that_was_shielded_a_second_ago_stays_closed(plain, lab, folk, client):
    url = ask(folk.admin, plain).json()["url"]
    lab.control("POST", "/vms/plain", {"protection": "Shielded"})

    assert client.get(url).status_code == 403


def test_a_host_that_cant_confirm_keeps_it_closed(plain, lab, folk, client):
    url = ask(folk.admin, plain).json()["url"]
    lab.host("alpha-1", faults=[{"on": "Get-VMSecurityState", "kind": "drop", "times": 9}])

    assert client.get(url).status_code == 502


def test_a_forged_ticket_opens_nothing(client, db):
    assert client.get("/console/not-a-ticket.rdp").status_code == 404
    assert tickets.take("not-a-ticket") is None
