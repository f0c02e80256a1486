"""Which columns of the grid somebody sees: kept with the person, chosen by a plain form."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.fabric.models import Cluster
from apps.vms.models import VirtualMachine
from tests.people import People

LIST = "/virtual-machines/"


@pytest.fixture
def vm(people: People) -> VirtualMachine:
    cluster = Cluster.objects.create(name="hci01", address="a", port=5986, use_tls=True)
    return VirtualMachine.objects.create(
        cluster=cluster, name="web-1", vm_id=cluster.pk, tenant=people.contoso_tenant, state="off"
    )


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client) -> tuple[list[str], int]:
    """The columns' names, and how many cells a row has beside its box."""
    text = client.get(LIST).content.decode()
    table = text.split("<table")[1].split("</table>")[0]
    names = [piece.split("<")[0] for piece in table.split('class="grid__sort"')[1:]]
    row = table.split("<tbody>")[1]
    return [name.rpartition(">")[2] for name in names], row.count("<td") + row.count("<th") - 1


def test_all_are_seen_until_somebody_leaves_one_out(people: People, vm: VirtualMachine) -> None:
    admin, auditor = browser_of(people.admin), browser_of(people.auditor)
    names, cells = shown(admin)
    assert names[0] == "Name" and len(names) == cells == 9

    chosen, filtered = {"column": ["state", "tenant"]}, f"http://testserver{LIST}?q=web"
    back = admin.post(f"{LIST}columns/", chosen, headers={"Referer": filtered})

    assert back.headers["Location"] == filtered
    for elsewhere in ("https://evil.example/", ""):
        away = admin.post(f"{LIST}columns/", chosen, headers={"Referer": elsewhere})
        assert away.headers["Location"] == LIST
    assert shown(admin) == (["Name", "State", "Tenant"], 3)
    assert shown(browser_of(people.admin))[1] == 3, "on another device, too"
    assert shown(auditor)[1] == 9
    row = admin.get(f"{LIST}{vm.pk}/row/").content.decode()
    assert row.count("<td") + row.count("<th") == 4


def test_the_name_stays_and_words_that_are_no_column_change_nothing(
    people: People, vm: VirtualMachine
) -> None:
    admin = browser_of(people.admin)

    admin.post(f"{LIST}columns/", {"column": ["host", "<b>", "nothing"]})

    assert shown(admin) == (["Name", "Host"], 2)
    people.admin.refresh_from_db()
    assert "<b>" not in str(people.admin.preferences)
    page = admin.get(LIST).content.decode()
    assert 'value="host" id="column-host" checked' in page
    assert 'value="state" id="column-state">' in page


def test_a_row_that_was_acted_upon_has_the_same_columns(people: People, vm: VirtualMachine) -> None:
    contoso = browser_of(people.contoso)
    contoso.post(f"{LIST}columns/", {"column": ["state"]})

    part = contoso.post(f"{LIST}act/start/", {"id": str(vm.pk)}, headers={"HX-Request": "true"})

    row = part.content.decode().split("<tr")[1].split("</tr>")[0]
    assert row.count("<td") + row.count("<th") == 3
