"""Users: added, found, given other roles, switched off and on; what was open ends with it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.choices import Role
from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEntry
from apps.common.errors import Conflict, Forbidden
from tests.people import PASSWORD, People, make_user

PATH = "/api/v1/users/"
HTMX = {"HX-Request": "true"}
NEW_PASSWORD = "another long pass phrase"


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def bearer(user: User) -> tuple[ApiToken, dict[str, str]]:
    token, key = services.issue_token(actor=None, user=user, name="script")
    return token, {"Authorization": f"Bearer {key}"}


def test_a_user_is_added_and_found(admin_api: APIClient, people: People) -> None:
    body = {"username": "ada", "password": NEW_PASSWORD, "role": "tenant"}
    tenant = str(people.contoso_tenant.pk)

    made = admin_api.post(PATH, body | {"tenant": tenant})

    assert made.status_code == 201 and NEW_PASSWORD not in made.content.decode()
    assert User.objects.get(username="ada").check_password(NEW_PASSWORD)
    for query in ("q=ad&role=tenant", "tenant=contoso&q=ada", f"tenant={tenant}&q=A&role=tenant"):
        found = {row["username"] for row in admin_api.get(f"{PATH}?{query}").json()["results"]}
        assert "ada" in found and found <= {"ada", "fabrikam"}, query
    assert admin_api.get(f"{PATH}?is_active=false").json()["count"] == 0
    assert admin_api.get(f"{PATH}?role=king").json()["errors"][0]["field"] == "role"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"password": "12345678"}, "password"),
        ({"password": "ada"}, "password"),
        ({"role": "tenant"}, "tenant"),
        ({"role": "king"}, "role"),
        ({"username": "admin"}, "username"),
        ({"username": "a b"}, "username"),
    ],
)
def test_what_can_t_be_names_its_field(
    admin_api: APIClient, changed: dict[str, str], field: str
) -> None:
    body = {"username": "ada", "password": NEW_PASSWORD, "role": "auditor"} | changed

    answer = admin_api.post(PATH, body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_another_role_ends_sessions_and_tokens_at_once(
    admin_api: APIClient, people: People
) -> None:
    browser, (token, headers) = of(people.auditor), bearer(people.auditor)
    assert browser.get("/settings/users/").status_code == 200

    answer = admin_api.patch(f"{PATH}{people.auditor.pk}/", {"role": "hgs-admin"})

    assert answer.json()["role"] == "hgs-admin"
    assert "/sign-in/" in browser.get("/settings/users/").headers["Location"]
    assert Client().get("/api/v1/me/", headers=headers).status_code == 401
    token.refresh_from_db()
    assert token.revoked_at is not None
    entry = AuditEntry.objects.get(action="user.change-role")
    assert entry.detail["role"] == {"before": "auditor", "after": "hgs-admin"}


def test_a_tenant_comes_and_goes_with_the_role(admin_api: APIClient, people: People) -> None:
    address, other = f"{PATH}{people.contoso.pk}/", str(people.fabrikam_tenant.pk)

    moved = admin_api.patch(address, {"tenant": other}).json()
    without = admin_api.patch(address, {"role": "auditor"}).json()
    back = admin_api.patch(address, {"role": "tenant"})

    assert (moved["role"], moved["tenant"]["name"]) == ("tenant", "fabrikam")
    assert (without["role"], without["tenant"]) == ("auditor", None)
    assert (back.status_code, back.json()["errors"][0]["field"]) == (400, "tenant")


def test_the_same_role_again_ends_nothing(admin_api: APIClient, people: People) -> None:
    browser = of(people.auditor)

    admin_api.patch(f"{PATH}{people.auditor.pk}/", {"role": "auditor"})

    assert browser.get("/account/").status_code == 200
    assert not AuditEntry.objects.filter(action="user.change-role").exists()


def test_who_is_deactivated_is_out_at_once_and_stays_out_of_what_was_open(
    admin_api: APIClient, people: People
) -> None:
    browser, (_, headers) = of(people.contoso), bearer(people.contoso)
    address = f"{PATH}{people.contoso.pk}/"

    off = admin_api.post(f"{address}deactivate/")
    again = admin_api.post(f"{address}deactivate/")

    assert (off.json()["is_active"], again.status_code) == (False, 200)
    assert "/sign-in/" in browser.get("/account/").headers["Location"]
    assert Client().get("/api/v1/me/", headers=headers).status_code == 401
    form = {"username": "contoso", "password": PASSWORD}
    assert Client().post("/sign-in/", form).status_code == 422
    assert admin_api.post(f"{address}reactivate/").json()["is_active"] is True
    assert "/sign-in/" in browser.get("/account/").headers["Location"], "the session from before"
    assert Client().get("/api/v1/me/", headers=headers).status_code == 401
    assert Client().post("/sign-in/", form).status_code == 302
    actions = AuditEntry.objects.filter(target_name="contoso").values_list("action", flat=True)
    assert sorted(actions)[-2:] == ["user.deactivate", "user.reactivate"]


@pytest.mark.parametrize("act", ["role", "deactivate", "password"])
def test_nobody_does_it_to_themself(admin_api: APIClient, people: People, act: str) -> None:
    make_user("second", Role.HCI_ADMIN)
    address = f"{PATH}{people.admin.pk}/"
    answer = {
        "role": lambda: admin_api.patch(address, {"role": "auditor"}),
        "deactivate": lambda: admin_api.post(f"{address}deactivate/"),
        "password": lambda: admin_api.post(f"{address}password/", {"password": NEW_PASSWORD}),
    }[act]()

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict/")
    people.admin.refresh_from_db()
    assert people.admin.is_active and people.admin.role == "hci-admin"


def test_an_admin_who_was_switched_off_meanwhile_may_no_more(people: People) -> None:
    second = make_user("second", Role.HCI_ADMIN)
    services.deactivate_user(actor=second, user=people.admin)

    with pytest.raises(Forbidden):  # the row in hand still says active
        people.admin.is_active = True
        services.deactivate_user(actor=people.admin, user=second)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_switch_each_other_off_one_is_left(people: People) -> None:
    second = make_user("second", Role.HCI_ADMIN)
    start, refused = threading.Barrier(2), list[type]()

    def off(actor: User, user: User) -> None:
        try:
            start.wait()
            services.deactivate_user(actor=actor, user=user)
        except (Conflict, Forbidden) as error:
            refused.append(type(error))
        finally:
            connections.close_all()

    pairs = ((people.admin, second), (second, people.admin))
    threads = [threading.Thread(target=off, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert User.objects.filter(role="hci-admin", is_active=True).count() == 1
    assert len(refused) == 1
    assert connection.vendor in ("sqlite", "postgresql")


def test_lists_cost_the_same_queries_for_any_number_of_people(
    admin_api: APIClient, people: People, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(40):
        make_user(f"u{number:02}", Role.TENANT, people.contoso_tenant)
    browser = of(people.admin)

    with django_assert_max_num_queries(2):
        assert admin_api.get(PATH).json()["count"] == 45
    with django_assert_max_num_queries(11):
        text = browser.get("/settings/users/").content.decode()
    assert text.count("<tr id=") == 45


def test_pages_filter_add_change_and_switch_off(people: People) -> None:
    browser = of(people.admin)
    tenant = str(people.contoso_tenant.pk)

    rows = browser.get("/settings/users/?role=tenant&tenant=contoso&q=", headers=HTMX)
    assert rows.content.decode().count("<tr id=") == 1
    form = {"username": "ada", "role": "tenant", "tenant": tenant, "password": "short"}
    wrong = browser.post("/settings/users/new/", form, headers=HTMX)
    assert wrong.status_code == 422 and "too short" in wrong.content.decode()
    assert "short" not in wrong.content.decode().replace("too short", "")
    made = browser.post("/settings/users/new/", form | {"password": NEW_PASSWORD}, headers=HTMX)
    ada = User.objects.get(username="ada")
    assert made.headers["HX-Redirect"] == f"/settings/users/{ada.pk}/"

    one = f"/settings/users/{ada.pk}/"
    assert "selected" in browser.get(f"{one}role/", headers=HTMX).content.decode()
    both = browser.post(f"{one}role/", {"role": "auditor", "tenant": tenant}, headers=HTMX)
    assert both.status_code == 422 and "nobody else has one" in both.content.decode()
    assert browser.post(f"{one}role/", {"role": "auditor", "tenant": ""}).status_code == 302
    unlike = {"password": PASSWORD, "again": PASSWORD + "!"}
    assert browser.post(f"{one}password/", unlike, headers=HTMX).status_code == 422
    browser.post(f"{one}password/", {"password": PASSWORD, "again": PASSWORD})
    ada.refresh_from_db()
    assert (ada.role, ada.tenant, ada.check_password(PASSWORD)) == ("auditor", None, True)
    assert (
        "can’t sign in any more" in browser.post(f"{one}deactivate/", follow=True).content.decode()
    )
    assert "Reactivate" in browser.get(one).content.decode()
    assert "may sign in again" in browser.post(f"{one}reactivate/", follow=True).content.decode()


def test_one_s_own_page_says_why_its_commands_are_off(people: People) -> None:
    text = of(people.admin).get(f"/settings/users/{people.admin.pk}/").content.decode()

    assert text.count('aria-disabled="true"') == 3
    assert "You can’t deactivate yourself" in text


def test_an_auditor_sees_people_and_none_of_their_tokens(people: People) -> None:
    services.issue_token(actor=None, user=people.admin, name="of the admin")

    text = of(people.auditor).get(f"/settings/users/{people.admin.pk}/").content.decode()

    assert "HCI admin" in text and "of the admin" not in text and "Deactivate" not in text


def test_whoever_sees_users_finds_settings_in_the_account_s_menu(people: People) -> None:
    for name, person in people.all().items():
        text = of(person).get("/account/").content.decode()
        assert ('href="/settings/"' in text) is (name in ("admin", "auditor")), name
        leads = of(person).get("/settings/").headers["Location"]
        assert leads == ("/settings/users/" if name in ("admin", "auditor") else "/account/")
