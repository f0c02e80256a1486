import pytest

from apps.attestation import selectors, services
from apps.attestation.guardian import metadata
from apps.attestation.models import GuardianService
from apps.fabric.models import Host
from apps.operations.choices import Status
from apps.operations.models import Operation
from tests.fabric.fixtures import api, execute

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def guardian(folk, lab) -> GuardianService:
    added = services.ensure_guardian_service(actor=folk.guardian, **lab.facts["hgs"][0])
    operation = execute(Operation.objects.latest("created_at"))
    assert operation.status == Status.SUCCEEDED, operation.error
    added.refresh_from_db()
    return added


def test_a_service_tells_its_mode_and_certificates_whose_signatures_are_right(guardian, folk):
    row = api(folk.auditor).get("/api/v1/guardian-services/").json()["results"][0]

    assert (row["mode"], row["freshness"], row["nodes"]) == ("host-key", "live", 2)
    assert {one["kind"]: one["verified"] for one in row["certificates"]} == {
        "encryption": True,
        "signing": True,
    }
    document = api(folk.auditor).get(f"{row['url']}metadata/").json()
    assert document["document"].startswith("<?xml") and document["verified"]
    print_ = row["certificates"][0]["thumbprint"]
    assert selectors.guardian_by_thumbprint(print_.lower()) == guardian


def test_hosts_belong_to_the_service_that_they_attest_with(guardian, cluster, folk):
    row = api(folk.auditor).get("/api/v1/clusters/").json()["results"][0]
    assert row["guardian_service"] == {"id": str(guardian.pk), "name": "hgs"}
    service = api(folk.auditor).get(f"/api/v1/guardian-services/{guardian.pk}/").json()
    assert len(service["guarded_hosts"]) == 3
    assert api(folk.guardian).delete(service["url"]).status_code == 409


def test_a_service_added_after_its_hosts_finds_them(cluster, guardian):
    host = Host.objects.get(name="alpha-1")
    assert selectors.verdict_of(host).guardian_service_id == guardian.pk


def test_metadata_that_somebody_changed_is_not_verified(guardian):
    good = guardian.metadata
    part = good[good.index("<EncryptionCertificate>") : good.index("</EncryptionCertificate>")]
    signing = good[good.index("<SigningCertificate>") : good.index("</SigningCertificate>")]
    swapped = good.replace(part, part[:23] + signing[20:])

    assert [one.verified for one in metadata.parse(swapped)] == [True, False]
    for nonsense in ("", "<a/>", '<!DOCTYPE x [<!ENTITY e "e">]><a>&e;</a>', "<a>"):
        with pytest.raises(metadata.MetadataProblem):
            metadata.parse(nonsense)


def test_a_service_that_does_not_answer_says_so(folk):
    service = services.add_guardian_service(
        actor=folk.guardian, name="far", address="hgs.example", url="http://127.0.0.1:9"
    )
    operation = execute(Operation.objects.latest("created_at"))

    service.refresh_from_db()
    assert operation.status == Status.ERRORED
    assert service.problem and service.failing_since and service.freshness == "unknown"


def test_a_host_is_put_under_a_service_and_diagnosed(guardian, cluster, lab, folk):
    host = Host.objects.get(name="alpha-1")
    client = api(folk.admin)
    way = {"guardian_service": str(guardian.pk)}

    answer = client.post(f"/api/v1/hosts/{host.pk}/guard/", way, format="json")
    guarded = execute(Operation.objects.get(pk=answer.json()["id"]))
    answer = client.post(f"/api/v1/hosts/{host.pk}/diagnose/")
    diagnosed = execute(Operation.objects.get(pk=answer.json()["id"]))

    assert (guarded.status, guarded.result["status"]) == (Status.SUCCEEDED, "Passed")
    assert diagnosed.status == Status.SUCCEEDED and diagnosed.result["results"]
    for person in (folk.auditor, folk.guardian):
        assert api(person).post(f"/api/v1/hosts/{host.pk}/guard/").status_code == 403
    assert client.post(f"/api/v1/hosts/{host.pk}/guard/", {}, format="json").status_code == 400


def test_only_guardian_admins_add_services_and_addresses_have_to_be_ones(folk):
    body = {"name": "x", "address": "hgs.example"}
    assert api(folk.admin).post("/api/v1/guardian-services/", body).status_code == 403
    assert api(folk.contoso).get("/api/v1/guardian-services/").status_code == 403
    for field, value in (("address", "a b"), ("url", "ftp://x"), ("url", "http://u:p@x")):
        answer = api(folk.guardian).post(
            "/api/v1/guardian-services/", body | {field: value}, format="json"
        )
        assert answer.status_code == 400
