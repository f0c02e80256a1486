"""Every address against the written table: whoever isn't in its row is refused."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.common.api.views import PortalMixin
from tests.house import addresses
from tests.house.permissions import API, PAGES
from tests.house.permissions_words import OPEN
from tests.people import People

API_ADDRESSES = list(addresses.api())
PAGE_ADDRESSES = list(addresses.pages())
ROLES = ("admin", "guardian", "contoso", "auditor")
ROW_MISSING = "is in no table: add it to tests/<room>/permissions.py"


def test_every_address_is_in_the_table() -> None:
    missing = [key for key, _, _ in API_ADDRESSES if key not in API]
    missing += [route for route, _ in PAGE_ADDRESSES if route not in PAGES]

    assert not missing, f"{len(missing)} addresses have no row: {sorted(set(missing))}"


def test_the_table_holds_no_address_that_is_gone() -> None:
    gone = set(API) - {key for key, _, _ in API_ADDRESSES}
    gone |= set(PAGES) - {route for route, _ in PAGE_ADDRESSES}

    assert not gone


def test_every_view_of_the_api_stands_on_the_same_base() -> None:
    others = sorted(
        {view.__name__ for _, _, view in API_ADDRESSES if not issubclass(view, PortalMixin)}
    )

    assert not others


@pytest.mark.parametrize(("key", "address"), [(key, address) for key, address, _ in API_ADDRESSES])
def test_the_api_lets_in_whom_the_table_names(people: People, key: str, address: str) -> None:
    allowed = API.get(key)
    assert allowed is not None, f"{key} {ROW_MISSING}"
    method = key.split()[0].lower()

    assert getattr(APIClient(), method)(address).status_code == 401
    for role in ROLES:
        client = APIClient()
        client.force_authenticate(getattr(people, role))
        status = getattr(client, method)(address).status_code
        assert status < 500, f"{key} as {role}: {status}"
        if role in allowed:
            assert status != 403, f"{key} refuses {role}"
        else:
            assert status in (403, 404), f"{key} lets {role} in: {status}"


@pytest.mark.parametrize(("route", "address"), PAGE_ADDRESSES)
def test_pages_let_in_whom_the_table_names(people: People, route: str, address: str) -> None:
    allowed = PAGES.get(route)
    assert allowed is not None, f"{route} {ROW_MISSING}"

    if allowed != OPEN:
        answer = Client().get(address)
        refused = answer.status_code in (401, 403, 404, 405) or "/sign-in/" in answer.headers.get(
            "Location", ""
        )
        assert refused, f"{route} lets nobody in: {answer.status_code}"
    for role in ROLES:
        browser = Client()
        browser.force_login(getattr(people, role))
        status = browser.get(address).status_code
        assert status < 500 or route == "health/ready/", f"{route} as {role}: {status}"
        if role in allowed:
            assert status != 403, f"{route} refuses {role}"
        else:
            assert status in (302, 403, 404, 405), f"{route} lets {role} in: {status}"
