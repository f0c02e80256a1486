import socket
import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from apps.fabric import selectors
from apps.fabric.models import Cluster
from apps.lab.wsman.pki import Authority
from apps.remoting import kerberos
from tests.fabric.fixtures import api

pytestmark = pytest.mark.django_db
PASSWORD = "not-a-password-of-anybody"
GOOD = {
    "name": "beta",
    "address": "127.0.0.1",
    "port": 9,
    "use_tls": False,
    "transport": "ntlm",
    "username": "X\\nobody",
    "password": PASSWORD,
}
WRONG = {
    "port": (0, 70000, "abc", -1, [], 10**40),
    "transport": ("telepathy", 5, [], "basic"),
    "address": ("", [], "http://user:pw@host/", "a b", "x" * 5000, "host:5985", "a\nb", "-a"),
    "use_tls": ("perhaps", [1]),
    "username": ("", {}, [], "a\x00b"),
    "name": ("", " ", "a\nStop-Computer", "a\x00b", "\u202egnp", "n" * 1000, None, {}),
    "password": (None, [], ""),
    "ca_certificate": ("no certificate",),
    "fingerprint": ("12:34",),
}


@pytest.mark.parametrize("field", WRONG)
@pytest.mark.parametrize("path", ["clusters/", "clusters/preflight/"])
def test_what_cannot_be_is_refused_and_named(folk, path, field):
    for value in WRONG[field]:
        answer = api(folk.admin).post(f"/api/v1/{path}", GOOD | {field: value}, format="json")

        assert answer.status_code == 400, (value, answer.content)
        assert [error["field"] for error in answer.json()["errors"]] == [field], value
        assert PASSWORD not in answer.content.decode()
    assert not Cluster.objects.exists()


@pytest.mark.parametrize("name", ["guardian", "auditor", "contoso"])
def test_only_hci_admins_add_try_edit_and_remove_clusters(folk, name):
    client = api(getattr(folk, name))
    assert client.post("/api/v1/clusters/", {}, format="json").status_code == 403
    assert client.post("/api/v1/clusters/preflight/", {}, format="json").status_code == 403


def test_a_preflight_of_a_closed_port_says_so_and_how_to_mend_it(folk):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        way = GOOD | {"port": taken.getsockname()[1]}
        body = api(folk.admin).post("/api/v1/clusters/preflight/", way, format="json").json()

    tcp = next(check for check in body["checks"] if check["id"] == "tcp")
    assert (body["ok"], tcp["ok"], bool(tcp["fix"])) == (False, False, True)
    assert body["checks"][-1] == {
        "id": "membership",
        "ok": None,
        "message": "Not tried: what comes before it has to work first.",
        "fix": "",
    }
    assert PASSWORD not in str(body)


def test_a_preflight_of_the_right_way_passes_and_adds_nothing(folk, lab):
    body = api(folk.admin).post("/api/v1/clusters/preflight/", lab.way, format="json").json()

    assert body["ok"], body
    assert [check["id"] for check in body["checks"]][-4:] == [
        "powershell",
        "rights",
        "modules",
        "membership",
    ]
    assert not Cluster.objects.exists()


def test_a_preflight_with_a_wrong_password_stops_at_the_sign_in(folk, lab):
    way = lab.way | {"password": PASSWORD}
    body = api(folk.admin).post("/api/v1/clusters/preflight/", way, format="json").json()

    assert [check["id"] for check in body["checks"] if check["ok"] is False] == ["sign-in"]


def failures(folk, way) -> dict[str, dict]:
    body = api(folk.admin).post("/api/v1/clusters/preflight/", way, format="json").json()
    return {check["id"]: check for check in body["checks"] if check["ok"] is False}


def test_a_preflight_of_a_host_in_no_cluster_says_which_address_to_give(folk, lab):
    for host in ("alpha-1", "alpha-2", "alpha-3"):
        lab.host(host, faults=[{"on": "Get-Cluster", "kind": "error", "message": "None."}])

    found = failures(folk, lab.way)

    assert list(found) == ["membership"]
    assert "belongs to no failover cluster" in found["membership"]["message"]
    assert "address of a cluster" in found["membership"]["fix"]


def test_a_preflight_of_an_untrusted_certificate_shows_it_and_says_how_to_trust_it(folk, lab):
    way = lab.way | {"use_tls": True, "port": lab.facts["winrm_tls_port"]}

    found = failures(folk, way)

    assert list(found) == ["tls"] and found["tls"]["fix"]
    assert failures(folk, way | {"fingerprint": "ab" * 32}).keys() == {"tls"}
    shown = api(folk.admin).post("/api/v1/clusters/preflight/", way, format="json").json()
    assert failures(folk, way | {"fingerprint": shown["fingerprint"]}) == {}


def test_a_new_cluster_is_in_the_list_without_its_secrets(folk):
    answer = api(folk.admin).post("/api/v1/clusters/", GOOD, format="json")

    assert answer.status_code == 201
    rows = api(folk.auditor).get("/api/v1/clusters/").content.decode()
    assert "beta" in rows and PASSWORD not in rows and "nobody" not in rows
    again = api(folk.admin).post("/api/v1/clusters/", GOOD | {"name": "BETA"}, format="json")
    assert again.status_code == 409


def test_a_stored_password_is_not_sent_to_another_address(folk):
    client = api(folk.admin)
    row = client.post("/api/v1/clusters/", GOOD, format="json").json()

    moved = client.patch(row["url"], {"address": "10.0.0.9"}, format="json")
    named = client.patch(row["url"], {"name": "gamma"}, format="json")
    both = client.patch(row["url"], {"address": "10.0.0.9", "password": "new"}, format="json")

    assert (moved.status_code, moved.json()["errors"][0]["field"]) == (400, "password")
    assert (named.status_code, named.json()["name"]) == (200, "gamma")
    assert (both.status_code, both.json()["address"]) == (200, "10.0.0.9")


@pytest.mark.parametrize("path", ["hosts", "volumes", "virtual-switches", "health-faults"])
def test_lists_refuse_what_no_field_holds_and_tenants_altogether(folk, path):
    client = api(folk.auditor)
    assert client.get(f"/api/v1/{path}/?ordering=password").status_code == 400
    assert client.get(f"/api/v1/{path}/?cluster=nowhere").json()["count"] == 0
    assert api(folk.contoso).get(f"/api/v1/{path}/").status_code == 403
    wrong = client.get("/api/v1/hosts/?state=no-such-word")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "state")


def by_certificate(tmp_path, **changes):
    certificate, key = Authority(tmp_path).client_certificate("portal@test.example")
    way = {k: v for k, v in GOOD.items() if k not in ("username", "password")}
    secret = {
        # both in one file, as people have them
        "client_certificate": certificate.read_text() + key.read_text(),
        "client_key": key.read_text().strip(),
    }
    return way | {"transport": "certificate", "use_tls": True} | secret | changes


def test_a_cluster_may_be_reached_by_certificate_without_any_password(folk, tmp_path):
    way = by_certificate(tmp_path)
    answer = api(folk.admin).post("/api/v1/clusters/", way, format="json")

    assert answer.status_code == 201, answer.content
    assert "PRIVATE KEY" not in answer.content.decode()
    row = Cluster.objects.get()
    endpoint = selectors.endpoint_for_cluster(row)
    assert (row.username, endpoint.client_key) == ("portal@test.example", way["client_key"])
    assert "PRIVATE KEY" not in row.client_key_envelope + row.client_certificate
    moved = api(folk.admin).patch(answer.json()["url"], {"address": "10.0.0.9"}, format="json")
    assert moved.status_code == 200


@pytest.mark.parametrize("path", ["clusters/", "clusters/preflight/"])
def test_a_certificate_that_cannot_sign_in_is_refused_and_named(folk, tmp_path, path):
    good = by_certificate(tmp_path)
    other = by_certificate(tmp_path / "other")
    server = Authority(tmp_path / "s").certificate_for("127.0.0.1", ["a"]).der
    wrong = {
        "client_certificate": ("", "no certificate", ssl.DER_cert_to_PEM_cert(server)),
        "client_key": ("", "no key", other["client_key"], locked(good["client_key"])),
        "transport": ("certificate",),
    }

    for field, values in wrong.items():
        for value in values:
            way = good | {field: value, "use_tls": field != "transport"}
            answer = api(folk.admin).post(f"/api/v1/{path}", way, format="json")

            assert answer.status_code == 400, value
            assert [error["field"] for error in answer.json()["errors"]] == [field]
            assert good["client_key"] not in answer.content.decode()


def locked(key: str) -> str:
    return (
        serialization.load_pem_private_key(key.encode(), None)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
        .decode()
    )


def test_a_change_of_transport_takes_its_own_secret_and_forgets_the_other(folk, tmp_path):
    client = api(folk.admin)
    row = client.post("/api/v1/clusters/", by_certificate(tmp_path), format="json").json()

    bare = client.patch(row["url"], {"transport": "ntlm"}, format="json")
    whole = client.patch(row["url"], {"transport": "ntlm", "password": "new"}, format="json")

    assert (bare.status_code, bare.json()["errors"][0]["field"]) == (400, "password")
    assert whole.status_code == 200
    stored = Cluster.objects.get()
    assert stored.client_key_envelope == stored.client_certificate == ""
    assert selectors.endpoint_for_cluster(stored).password == "new"


@pytest.mark.parametrize("field", ["username", "password"])
def test_a_password_transport_needs_both_of_its_fields(folk, field):
    way = {name: value for name, value in GOOD.items() if name != field}

    answer = api(folk.admin).post("/api/v1/clusters/", way, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize("path", ["clusters/", "clusters/preflight/"])
def test_kerberos_without_its_libraries_says_what_to_install(folk, monkeypatch, path):
    monkeypatch.setattr(kerberos, "is_available", lambda: False)
    way = GOOD | {"transport": "kerberos", "username": "ops@test.example"}

    answer = api(folk.admin).post(f"/api/v1/{path}", way, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "transport")
    assert "requirements-kerberos.txt" in answer.json()["hint"]


def test_kerberos_takes_accounts_as_user_and_domain(folk, monkeypatch):
    monkeypatch.setattr(kerberos, "is_available", lambda: True)
    client = api(folk.admin)
    way = GOOD | {"transport": "kerberos"}

    wrong = client.post("/api/v1/clusters/", way, format="json")
    right = client.post("/api/v1/clusters/", way | {"username": "o@test.example"}, format="json")

    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "username")
    assert (right.status_code, right.json()["transport"]) == (201, "kerberos")


def test_a_host_is_known_to_kerberos_by_its_full_name(folk, lab, cluster):
    host = cluster.hosts.get(name__iexact="alpha-1")

    assert selectors.endpoint_for_host(host).service_name.lower() == "alpha-1.test.example"
    assert selectors.endpoint_for_host(host).address == host.address
