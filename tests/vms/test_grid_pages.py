"""Pages of the grid hold the rows that one plain query would give them."""

import itertools
import uuid
from types import SimpleNamespace

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.fabric.models import Cluster, Host
from apps.vms import counting, grid_pages, selectors
from apps.vms.api.filters import VirtualMachineFilters
from apps.vms.census import census_of
from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import api
from tests.people import People

pytestmark = pytest.mark.django_db
STATES = ("running", "off", "running", "paused", "critical")
PROTECTIONS = ("none", "shielded", "vtpm")
WORDS = tuple(VirtualMachineFilters.ordering_fields)
ORDERS = [sign + word for word in WORDS for sign in ("", "-")] + ["host,-cpu", ""]
QUERIES = (
    "", "state=running&state=off", "cluster=BETA", "tenant=contoso&protection=shielded", "q=vm-1",
    "host=node-1", "attention=true", "cluster=nowhere",
)  # fmt: skip


@pytest.fixture
def people(redis_server) -> People:
    return People()


@pytest.fixture
def machines(people, monkeypatch) -> list[VirtualMachine]:
    """Eighty in pages of seven: names, hosts, tenants and figures that are equal or not there."""
    monkeypatch.setattr(grid_pages, "ROWS", 7)
    monkeypatch.setattr(grid_pages, "FAR", 21)
    hosts: list[Host | None] = [None]
    for name in ("beta", "alpha"):
        cluster = Cluster.objects.create(
            name=name, address=name, port=1, use_tls=False, transport="ntlm"
        )  # fmt: skip
        hosts += [
            Host.objects.create(cluster=cluster, name=f"node-{n}", observed_at=timezone.now())
            for n in (3, 1, 2)
        ]
    tenants = [people.contoso_tenant, None, people.fabrikam_tenant, None, None]
    clusters = list(Cluster.objects.order_by("name"))
    rows = [
        VirtualMachine(
            cluster=host.cluster if (host := hosts[n % 11 % 7]) else clusters[0], host=host,
            tenant=tenants[n % 5], vm_id=uuid.uuid4(), name=f"vm-{n * 7 % 40}",
            state=STATES[n % len(STATES)], protection=PROTECTIONS[n % 3],
            cpu_percent=n % 4 or None, memory_bytes=(n % 3) << 30,
        )
        for n in range(80)
    ]  # fmt: skip
    VirtualMachine.objects.bulk_create(rows)
    for cluster in clusters:
        counting.recount(cluster.pk)
    return rows


def ask(user, query: str) -> VirtualMachineFilters:
    return VirtualMachineFilters(
        data=QueryDict(query),
        queryset=VirtualMachine.objects.restrict(user),
        request=SimpleNamespace(user=user),
    )


def pages(user, query: str) -> grid_pages.Pages:
    return grid_pages.Pages(ask(user, query), census_of(user), selectors.tenant_names())


@pytest.mark.parametrize("role", ["admin", "contoso"])
@pytest.mark.parametrize("order", ORDERS)
def test_every_page_is_the_slice_of_the_plain_list(machines, people, order, role):
    user = getattr(people, role)
    for query in QUERIES:
        asked = f"{query}&ordering={order}"
        plain = list(ask(user, asked).rows().values_list("pk", flat=True))
        known = -(-len(plain) // 7)

        for number in range(1, known + 1):
            page = pages(user, asked).page(str(number))
            assert list(page) == plain[(number - 1) * 7 : number * 7], (asked, number)
            assert page.paginator.more or page.paginator.count == len(plain), (asked, number)
            assert page.has_next() == (number < known), (asked, number)


@pytest.mark.parametrize(
    ("text", "number"), [("", 1), ("x", 1), ("999", 12), ("0", 12), ("-3", 12), ("12", 12)]
)
def test_any_word_for_a_page_leads_to_one(machines, people, text, number):
    for query in ("", "clustered=false"):  # known from the counts, and counted
        page = pages(people.admin, query).page(text)
        assert page.number == number and len(page)


def test_a_total_that_nobody_counted_says_so(machines, people):
    found = pages(people.admin, "q=vm")

    near, far = found.page("1").paginator, found.page("5").paginator

    assert (near.count_words, near.count, near.num_pages) == ("21+", 21, 4)
    assert (far.count_words, far.num_pages) == ("80", 12)


def test_rows_that_no_count_knows_of_are_shown_all_the_same(machines, people):
    VirtualMachine.objects.filter(state="running").update(state="saved")

    for query in ("state=saved", "state=running"):
        page = pages(people.admin, query).page("1")
        assert page.paginator.count_words == {"state=saved": "21+", "state=running": "0"}[query]
        assert len(page) == (7 if query == "state=saved" else 0)


def test_the_database_turns_an_order_round_exactly(machines, people):
    for word in WORDS:
        there, back = (
            list(ask(people.admin, f"ordering={sign}{word}").rows().values_list("pk", flat=True))
            for sign in ("", "-")
        )
        assert there == back[::-1], word


def test_the_api_lists_the_same_rows_from_either_end(machines, people):
    client = api(people.admin)
    path = "/api/v1/virtual-machines/?ordering=-host"
    whole = [row["id"] for row in client.get(f"{path}&limit=1000").json()["results"]]

    for offset, limit in itertools.product((0, 10, 39, 41, 70, 79, 80, 200), (1, 9)):
        told = client.get(f"{path}&limit={limit}&offset={offset}").json()
        assert [row["id"] for row in told["results"]] == whole[offset : offset + limit]
        assert told["count"] == len(whole) == 80


@pytest.mark.parametrize(
    "query",
    [
        "", "page=9", "q=vm-1&page=2", "q=vm&page=9", "state=running&page=2", "ordering=tenant",
        "ordering=-host&page=6", "cluster=beta&tenant=contoso&ordering=host&page=99",
    ],
)  # fmt: skip
def test_a_page_costs_ten_queries_at_most(machines, people, query):
    browser = Client()
    browser.force_login(people.admin)

    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(f"/virtual-machines/?{query}")

    assert answer.status_code == 200
    assert len(asked) <= 10, [one["sql"][:200] for one in asked]


def test_a_tenants_page_holds_and_counts_its_own_alone(machines, people):
    browser = Client()
    browser.force_login(people.contoso)

    text = browser.get("/virtual-machines/").content.decode()

    assert "Virtual machines, 16 in all" in text
    assert "Running (0)" not in text and "fabrikam" not in text
    own = VirtualMachine.objects.filter(tenant=people.contoso_tenant, state="running").count()
    assert (f"Running ({own})" in text) == bool(own)


def test_the_menus_count_all_that_one_may_see_whatever_is_filtered(machines, people):
    browser = Client()
    browser.force_login(people.auditor)

    text = browser.get("/virtual-machines/?state=off&q=vm-1").content.decode()

    running = VirtualMachine.objects.filter(state="running").count()
    assert f"Running ({running})" in text
    beta = VirtualMachine.objects.filter(cluster__name="beta").count()
    assert f"beta ({beta})" in text
