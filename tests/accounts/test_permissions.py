"""The written table, held against what was promised for each role."""

import pytest

from apps.accounts.models import ApiToken, Tenant, User
from apps.accounts.permissions import GRANTS, holds, require, require_noun
from apps.accounts.services import issue_token
from apps.common.errors import Forbidden, NotFound
from tests.people import People

READING = {"view", "export", "verify"}  # to verify is to read all of it again


def test_an_auditor_reads_and_does_nothing_else_but_keep_its_own_tokens() -> None:
    for noun, grant in GRANTS["auditor"].items():
        assert noun == "token" or grant.actions <= READING, noun


def test_content_of_disks_is_for_tenants_alone() -> None:
    for role, grants in GRANTS.items():
        for noun in ("template-disk", "shielding-data"):
            held = grants.get(noun)
            assert ("content" in held.actions if held else False) == (role == "tenant")


def test_a_tenant_is_held_to_its_own_rows_everywhere() -> None:
    assert {grant.scope for grant in GRANTS["tenant"].values()} == {"tenant", "own"}


def test_a_tenant_has_nothing_of_the_fabric() -> None:
    fabric = {"cluster", "host", "volume", "virtual-switch", "health-fault", "guardian-service"}

    assert not fabric & set(GRANTS["tenant"])


def test_nobody_writes_the_log() -> None:
    for grants in GRANTS.values():
        assert grants["audit-entry"].actions <= READING


def test_the_hgs_admin_manages_guardians_and_no_machine() -> None:
    assert "manage" in GRANTS["hgs-admin"]["guardian-service"].actions
    assert "vm" not in GRANTS["hgs-admin"]
    assert "manage" not in GRANTS["hci-admin"]["guardian-service"].actions


def test_rows_of_others_are_not_there(people: People) -> None:
    token, _ = issue_token(actor=None, user=people.contoso, name="mine")

    assert list(ApiToken.objects.restrict(people.contoso)) == [token]
    assert not ApiToken.objects.restrict(people.fabrikam).exists()
    with pytest.raises(NotFound):
        require(people.fabrikam, "manage", token)


def test_a_verb_that_is_lacking_on_a_row_that_is_seen_is_forbidden(people: People) -> None:
    with pytest.raises(Forbidden):
        require(people.auditor, "manage", people.contoso_tenant)


def test_what_is_not_granted_lists_nothing(people: People) -> None:
    assert not Tenant.objects.restrict(people.contoso).exists()
    assert not Tenant.objects.restrict(people.auditor, "manage").exists()


def test_somebody_who_was_switched_off_may_nothing(admin: User) -> None:
    admin.is_active = False

    assert not holds(admin, "vm", "view")
    with pytest.raises(Forbidden):
        require_noun(admin, "vm", "view")
