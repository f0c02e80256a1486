"""Commands by page: what is clicked shows at once that it is under way."""

import pytest
from django.test import Client

from tests.fabric.fixtures import refresh

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def off(plain, cluster, lab, folk):
    lab.control("POST", "/vms/plain", {"state": "Off"})
    refresh(cluster, folk.admin)
    plain.refresh_from_db()
    return plain


def click(user, verb, **more):
    browser = Client()
    browser.force_login(user)
    return browser.post(f"/virtual-machines/act/{verb}/", **more)


def test_its_own_page_comes_back_as_it_is_now(off, folk):
    answer = click(
        folk.admin, "start", data={"machine": str(off.pk)}, headers={"HX-Request": "true"}
    )

    assert 'hx-target="#vm-machine"' in answer.text
    assert "Starting…" in answer.text
    assert 'aria-busy="true"' in answer.text


def test_a_refusal_is_told_beside_the_page(off, folk):
    answer = click(
        folk.admin, "pause", data={"machine": str(off.pk)}, headers={"HX-Request": "true"}
    )

    assert 'hx-target="#vm-machine"' in answer.text
    assert 'role="alert"' in answer.text
    assert "must be running" in answer.text


def test_a_row_of_the_grid_comes_back(off, folk):
    answer = click(folk.admin, "start", data={"id": str(off.pk)}, headers={"HX-Request": "true"})

    assert f'hx-target="#vm-{off.pk}"' in answer.text
    assert "Starting…" in answer.text


def test_without_scripts_the_way_leads_back_to_the_page(off, folk):
    answer = click(folk.admin, "start", data={"machine": str(off.pk)})

    assert (answer.status_code, answer.url) == (302, f"/virtual-machines/{off.pk}/")
