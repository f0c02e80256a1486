import re

import pytest
from django.test import Client

from apps.attestation import services as attestation
from apps.fabric.models import Cluster, Host
from apps.operations.models import Operation
from tests.fabric.fixtures import execute, refresh

pytestmark = pytest.mark.django_db(transaction=True)
INLINE = re.compile(r'<[^>]+\s(style|on\w+)="|<script(?![^>]*src=)', re.I)


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def guarded(cluster, lab, folk) -> Cluster:
    attestation.ensure_guardian_service(actor=folk.guardian, **lab.facts["hgs"][0])
    execute(Operation.objects.latest("created_at"))
    return cluster


def pages(cluster: Cluster) -> list[str]:
    hosts = [f"/hosts/{host.pk}/" for host in Host.objects.all()]
    return [
        "/overview/", "/clusters/", f"/clusters/{cluster.pk}/", "/hosts/", *hosts, "/volumes/",
        "/attestation/", "/attestation/?window=day&status=Passed", "/guardian-services/",
    ]  # fmt: skip


def test_every_page_is_there_for_who_may_see_it_and_holds_nothing_inline(guarded, lab, folk):
    lab.host("alpha-1", power="off")
    refresh(guarded, folk.admin)

    for person in (folk.admin, folk.auditor, folk.guardian):
        client = client_of(person)
        for address in pages(guarded):
            for headers in ({}, {"HX-Request": "true"}):
                answer = client.get(address, headers=headers)
                assert answer.status_code == 200, (person, address)
                assert not INLINE.search(answer.content.decode()), address
                assert ("<html" in answer.content.decode()) is not bool(headers), address


def test_a_tenant_has_no_fabric_and_somebody_signed_out_signs_in_first(guarded, folk):
    client = client_of(folk.contoso)
    assert client.get("/").status_code == 302
    for address in pages(guarded)[1:]:
        assert client.get(address).status_code in (403, 404), address
        assert Client().get(address)["Location"].startswith("/sign-in/")


def test_the_overview_names_what_needs_attention_with_its_next_step(guarded, lab, folk):
    lab.host("alpha-1", power="off")
    refresh(guarded, folk.admin)

    text = client_of(folk.admin).get("/").content.decode()

    assert "alpha-1 is down" in text
    assert "alpha-3 fails attestation" in text and "Secure Boot is off" in text
    assert "2 of 3 up" in text and "See cause and fix" in text


def test_the_page_of_a_failing_host_gives_each_cause_its_fix(guarded, folk):
    host = Host.objects.get(name="alpha-3")
    text = client_of(folk.admin).get(f"/hosts/{host.pk}/").content.decode()

    assert "Turn Secure Boot on" in text and "BitLocker" in text
    assert 'class="strip"' in text and "p-insecure" in text


def test_a_cluster_is_checked_and_added_from_the_pane(folk, lab):
    client = client_of(folk.admin)
    way = {name: lab.way[name] for name in ("name", "address", "port", "username", "password")}
    way["way"] = "http-ntlm"

    checked = client.post("/clusters/add/", way | {"check": "1"}, headers={"HX-Request": "true"})
    wrong = client.post("/clusters/add/", way | {"address": "a b"})
    added = client.post("/clusters/add/", way)

    assert "all passed" in checked.content.decode()
    assert "safest offered, tried" in checked.content.decode()
    assert way["password"] not in checked.content.decode()
    assert wrong.status_code == 422 and "host name or an IP address" in wrong.content.decode()
    cluster = Cluster.objects.get()
    assert added["Location"] == f"/clusters/{cluster.pk}/"
    assert client.get(f"/clusters/{cluster.pk}/edit/").status_code == 200
    edited = client.post(f"/clusters/{cluster.pk}/edit/", way | {"name": "omega", "password": ""})
    assert edited.status_code == 302 and Cluster.objects.get().name == "omega"


def test_commands_on_pages_start_operations_and_go_back(guarded, folk):
    client = client_of(folk.admin)
    host = Host.objects.get(name="alpha-2")

    for address in (
        f"/clusters/{guarded.pk}/refresh/",
        f"/hosts/{host.pk}/drain/",
        f"/hosts/{Host.objects.get(name='alpha-1').pk}/diagnose/",
    ):
        assert client.post(address).status_code == 302, address
        assert client_of(folk.auditor).post(address).status_code == 403, address
    assert "Drain alpha-2" in client.get("/hosts/").content.decode()
    assert client.get(f"/hosts/{host.pk}/row/").content.decode().startswith("<tr")


def test_pages_cost_the_same_few_queries_for_any_number_of_hosts(
    guarded, folk, django_assert_max_num_queries
):
    for number in range(60):
        Host.objects.create(cluster=guarded, name=f"h{number:02}", state="up")
    client = client_of(folk.auditor)
    for address in ("/", "/hosts/", f"/clusters/{guarded.pk}/", "/attestation/"):
        with django_assert_max_num_queries(32):
            client.get(address)
