"""Hosts look into files: what they say is kept, and nothing is lost while none is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.fabric import services as fabric
from apps.fabric.models import Cluster
from apps.library import inspection, pairing, services
from apps.library.models import ContentGrant, Pair, ShieldingData, StagedFile, TemplateDisk
from apps.operations.context import Context
from apps.operations.models import Operation
from tests.fabric.fixtures import RunningLab, run_latest
from tests.library.bringing import again, bring, item, path_of, work
from tests.people import People
from tests.serving import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def samples(
    _running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Pairs that this lab's guardians would unseal."""
    folder = Path(_running_lab.facts["ca_certificate"]).parents[3]
    out = tmp_path_factory.mktemp("samples")
    call_command(
        "lab_files", out=str(out), data_dir=str(folder), definition=str(folder / "lab.yaml")
    )
    return {row["name"]: row for row in json.loads((out / "manifest.json").read_text())}


@pytest.fixture
def portal(settings: Any) -> Iterator[None]:
    """The portal where hosts fetch content."""
    with served() as port:
        settings.FABRIC_CONTENT_URL = f"http://127.0.0.1:{port}"
        settings.FABRIC_CONTENT_CA = "/nowhere"
        yield


@pytest.fixture
def contoso(folk: People) -> User:
    return folk.contoso


def disk_of(actor: User, sample: dict[str, Any]) -> TemplateDisk:
    return item(actor, "template-disk", Path(sample["template_disk"]), "disk.vhdx")


def data_of(actor: User, sample: dict[str, Any]) -> ShieldingData:
    return item(actor, "shielding-data", Path(sample["shielding_data"]), "data.pdk")


def test_a_host_says_what_files_hold_and_which_of_them_fit(
    cluster: Cluster, portal: None, contoso: User, samples: dict[str, Any]
) -> None:
    disk, data = (
        disk_of(contoso, samples["contoso-web"]),
        data_of(contoso, samples["contoso-web"]),
    )
    other = data_of(contoso, samples["contoso-newer-version"])

    assert {operation.status for operation in work()} == {"succeeded"}

    assert again(disk).status == again(data).status == "usable"
    assert disk.catalog["name"] and disk.catalog["signer_thumbprint"] and disk.inspected_by
    assert data.policy == "shielded" and data.guardians and data.qualifiers
    assert data.substitution_keys == samples["contoso-web"]["substitutions"]
    fits, differs = (Pair.objects.get(template_disk=disk, shielding_data=x) for x in (data, other))
    assert (fits.applicable, fits.reason_code) == (True, "applies")
    assert (differs.applicable, differs.reason_code) == (False, "version-differs")
    assert len(differs.reason_message) > 10


def test_the_address_of_the_content_is_shown_nowhere_and_closed_afterwards(
    cluster: Cluster, portal: None, contoso: User, samples: dict[str, Any]
) -> None:
    data_of(contoso, samples["contoso-web"])

    (operation,) = work()

    shown = json.dumps([operation.script, operation.parameters, operation.result, operation.steps])
    assert "/content/" not in shown
    assert "/content/" not in "".join(operation.events.values_list("message", flat=True))
    assert all(grant.revoked_at for grant in ContentGrant.objects.all())


def test_a_file_that_windows_cant_read_is_refused_in_its_words(
    cluster: Cluster, portal: None, contoso: User, samples: dict[str, Any]
) -> None:
    data = data_of(contoso, samples["contoso-tampered-data"])
    nonsense = item(contoso, "shielding-data", b"nothing of the kind" * 50, "x.pdk")

    work()

    for row in (again(data), again(nonsense)):
        (problem,) = row.problems
        assert row.status == "refused" and problem["code"] == "not-shielding-data"
        assert problem["host_message"] and problem["fix"]
    assert not Pair.objects.exists()


def test_without_a_host_it_waits_and_goes_on_when_one_is_there(
    folk: People, lab: RunningLab, portal: None, samples: dict[str, Any]
) -> None:
    data = data_of(folk.contoso, samples["contoso-web"])
    inspection.sweep()

    assert again(data).status == "waiting-for-host" and data.waiting_for
    assert not Operation.objects.exists()

    run_latest(fabric.add_cluster(actor=folk.admin, **lab.way))
    inspection.sweep()
    work()

    assert again(data).status == "usable"


def test_a_host_that_breaks_off_is_replaced_by_another(
    cluster: Cluster, lab: RunningLab, portal: None, contoso: User, samples: dict[str, Any]
) -> None:
    data = data_of(contoso, samples["contoso-web"])
    first = cluster.hosts.get(pk=Operation.objects.latest("created_at").parameters["host"])
    broken = [{"on": "Get-ShieldingDataFacts", "kind": "drop", "message": "", "times": 9}]
    lab.host(first.name, faults=broken)

    (operation,) = work()

    assert operation.status == "errored"
    assert again(data).status == "waiting-for-host" and data.retry_at and data.failures == 1
    ShieldingData.objects.update(retry_at=None)
    inspection.sweep()
    work()
    assert again(data).status == "usable" and data.inspected_by != first


def test_copies_on_volumes_go_with_the_last_file_of_their_content(
    cluster: Cluster, lab: RunningLab, portal: None, contoso: User, samples: dict[str, Any]
) -> None:
    disk = disk_of(contoso, samples["contoso-web"])
    work()
    assert StagedFile.objects.filter(sha256=disk.sha256).exists()

    services.delete(actor=contoso, item=disk)
    work()

    files = lab.control("GET", "/state")["clusters"][0]["volumes"]
    paths = [file["path"] for volume in files for file in volume.get("files") or []]
    assert not [path for path in paths if disk.sha256 in path.lower()]
    assert not StagedFile.objects.exists() and not path_of(disk.file).exists()


def test_a_judged_file_is_deleted_although_its_pairs_are_still_looked_at(
    cluster: Cluster,
    portal: None,
    contoso: User,
    samples: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data_of(contoso, samples["contoso-web"])
    work()
    disk = disk_of(contoso, samples["contoso-web"])
    check = pairing.check

    def deleted_meanwhile(ctx: Context, pair: Pair) -> bool:
        services.delete(actor=contoso, item=again(disk))
        return check(ctx, pair)

    monkeypatch.setattr(pairing, "check", deleted_meanwhile)
    (operation, *_) = work()

    assert operation.status == "cancelled"
    assert not TemplateDisk.objects.exists() and not Pair.objects.exists()
    work()
    assert not StagedFile.objects.filter(sha256=disk.sha256).exists()


def test_what_the_portal_refuses_itself_never_reaches_a_host(
    cluster: Cluster, contoso: User
) -> None:
    upload = bring(contoso, "template-disk", b"this is no disk" * 500, "x.vhdx")

    assert (upload.status, upload.problem["code"]) == ("refused", "not-vhdx")
    assert upload.item is not None and upload.item.status == "refused"
    assert not Operation.objects.filter(kind=inspection.INSPECT).exists()
