import pytest
from django.test import Client

from apps.operations.models import Operation
from tests.operations.conftest import fails, request

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def test_activity_lists_operations_and_its_part_is_the_same_table(browser, failed):
    page = browser.get("/activity/?q=&status=failed").content.decode()
    part = browser.get("/activity/", headers=HTMX).content.decode()

    assert page.count(f'id="operation-{failed.pk}"') == 1
    assert part.strip().startswith('<div id="operations"')
    assert "It said no." in part


def test_the_page_of_an_operation_tells_the_host_s_words_as_text_and_offers_a_retry(
    browser, failed
):
    page = browser.get(f"/activity/{failed.pk}/").content.decode()

    assert "&lt;b&gt;Windows" in page
    assert "Ask nicely." in page
    assert f"/activity/{failed.pk}/retry/" in page


def test_retry_and_cancel_are_posts_that_lead_to_the_operation(browser, failed):
    assert browser.get(f"/activity/{failed.pk}/retry/").status_code == 405

    answer = browser.post(f"/activity/{failed.pk}/retry/")

    again = Operation.objects.get(retry_of=failed)
    assert answer.headers["Location"] == f"/activity/{again.pk}/"
    browser.post(f"/activity/{again.pk}/cancel/")
    again.refresh_from_db()
    assert again.status == "cancelled"


def test_the_bell_shows_what_is_under_way(browser, work):
    work(fails)
    request()

    assert "Work on thing-7" in browser.get("/activity/bell/").content.decode()
    assert ">1<span" in browser.get("/activity/count/").content.decode()


def test_somebody_else_s_operation_has_no_page(failed, contoso, client):
    assert client.get(f"/activity/{failed.pk}/").status_code == 302
    client.force_login(contoso)

    assert client.get(f"/activity/{failed.pk}/").status_code == 404
    assert client.get(f"/activity/{failed.pk}/row/").status_code == 404
