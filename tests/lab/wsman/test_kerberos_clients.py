"""Other people's clients by Kerberos, against the lab and a real key distribution centre."""

from __future__ import annotations

import importlib.util

import pypsrp.client
import pytest
import winrm

from apps.lab.wsman.doors import Doors
from tests import kdc as realm

from .machines import N1, PASSWORD

USER = f"portal@{realm.REALM}"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory):
    yield from realm.running(tmp_path_factory)


@pytest.fixture(scope="module")
def keytab(kdc) -> str:
    kdc.add("portal", PASSWORD)
    return kdc.keytab("HTTP/n1.fabric.test", f"HTTP/{N1}")


@pytest.fixture(params=["http", "https"])
def scheme(request) -> str:
    return request.param


@pytest.fixture
def port(server, machines, keytab, scheme) -> int:
    machines.by_address[N1].doors = Doors(keytab=keytab, credssp=True, channel_binding="strict")
    return server.tls_port if scheme == "https" else server.http_port


@pytest.fixture
def signed_in(kdc, keytab, tmp_path, monkeypatch):
    """What kinit leaves behind, where pywinrm looks for it."""
    import krb5

    context = krb5.init_context()
    options = krb5.get_init_creds_opt_alloc(context)
    user = krb5.parse_name_flags(context, USER.encode())
    ticket = krb5.get_init_creds_password(context, user, options, password=PASSWORD.encode())
    cache = krb5.cc_resolve(context, f"FILE:{tmp_path}/ccache".encode())
    krb5.cc_initialize(context, cache, ticket.client)
    krb5.cc_store_cred(context, cache, ticket)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/ccache")


def test_pywinrm_runs_a_command(server, signed_in, scheme, port):
    if importlib.util.find_spec("kerberos") is None:
        pytest.skip("pykerberos isn't installed: make kerberos")
    session = winrm.Session(
        f"{scheme}://{N1}:{port}/wsman",
        auth=(USER, ""),
        transport="kerberos",
        kerberos_hostname_override="n1.fabric.test",
        ca_trust_path=str(server.ca_file),
        proxy=None,
    )

    answer = session.run_cmd("whoami")

    assert (answer.status_code, answer.std_out) == (0, b"fabric\\portal\r\n")


@pytest.mark.parametrize("auth", ["kerberos", "negotiate", "credssp"])
def test_pypsrp_runs_a_command(server, scheme, port, auth):
    inner = {"credssp_auth_mechanism": "kerberos"} if auth == "credssp" else {}
    client = pypsrp.client.Client(
        N1,
        username=USER,
        password=PASSWORD,
        port=port,
        ssl=scheme == "https",
        auth=auth,
        cert_validation=str(server.ca_file),
        no_proxy=True,
        negotiate_service="HTTP",
        negotiate_hostname_override="n1.fabric.test",
        **inner,
    )

    with client:
        output, errors, code = client.execute_cmd("whoami")

    assert (output, errors, code) == ("fabric\\portal\r\n", "", 0)
