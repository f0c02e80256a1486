"""The demo's people stay who they are over starts."""

from pathlib import Path

import pytest

from apps.accounts.authentication import user_of_token
from apps.accounts.models import ApiToken, User
from fabric_portal.demo import document, people


@pytest.mark.django_db
def test_people_keep_their_passwords_and_tokens() -> None:
    first = people.ensure([], "")
    second = people.ensure(first, "")

    assert second == first
    assert ApiToken.objects.count() == 5
    for row in first:
        assert User.objects.get(username=row["username"]).check_password(row["password"])
        assert user_of_token(row["api_token"]).username == row["username"]


@pytest.mark.django_db
def test_demo_password_is_everybodys_also_on_a_later_start() -> None:
    people.ensure([], "")

    rows = people.ensure([], "short")

    assert {row["password"] for row in rows} == {"short"}
    assert all(user.check_password("short") for user in User.objects.all())


def test_the_document_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    document.write(path, {"url": "x"})
    document.write(path, {"url": "y"})

    assert path.stat().st_mode & 0o777 == 0o600
    assert document.read(path) == {"url": "y"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo.json"]


def test_a_document_that_is_damaged_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"url": ')

    assert document.read(tmp_path / "demo.json") == {}
