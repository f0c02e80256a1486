"""What a preflight tells of the ways in."""

import pytest

from apps.fabric.ways import KINDS, judged
from apps.remoting.survey import Listener
from tests.fabric.fixtures import api

PLAIN = Listener(5985, False, frozenset({"negotiate"}))
SECURE = Listener(5986, True, frozenset({"negotiate", "basic"}), fingerprint="ab" * 32)
DEAF = Listener(5986, True)


def told(listeners, chosen=(5985, "http-ntlm"), works=True) -> dict[str, tuple]:
    found = judged(listeners, chosen, works=works)
    return {way.id: (way.offered, way.trusted, way.chosen, way.safest) for way in found}


def test_the_safest_way_that_is_offered_is_named_even_when_another_was_tried():
    assert told([PLAIN, SECURE]) == {
        "https-kerberos": (False, True, False, False),
        "https-certificate": (None, True, False, False),
        "http-kerberos": (False, None, False, False),
        "https-ntlm": (True, True, False, True),
        "http-ntlm": (True, None, True, False),
        "https-credssp": (False, True, False, False),
        "https-basic": (True, True, False, False),
        "http-credssp": (False, None, False, False),
    }


def test_kerberos_is_the_safest_where_it_is_offered_even_without_tls():
    domain = Listener(5985, False, frozenset({"negotiate", "kerberos"}))

    assert told([domain])["http-kerberos"] == (True, None, False, True)


def test_a_certificate_that_let_in_is_known_to_be_a_way_and_the_safest():
    found = told([PLAIN, SECURE], chosen=(5986, "https-certificate"))

    assert found["https-certificate"] == (True, True, True, True)


def test_a_port_where_nothing_answers_is_told_of_only_when_it_was_the_one_tried():
    assert {id for id in told([PLAIN, DEAF]) if id.startswith("https")} == set()
    tried = told([PLAIN, DEAF], chosen=(5986, "https-ntlm"), works=False)

    assert tried["https-ntlm"] == (False, None, True, False)
    assert tried["http-ntlm"] == (True, None, False, True)


def test_a_way_over_a_certificate_that_is_not_trusted_yet_says_so():
    doubtful = Listener(5986, True, frozenset({"negotiate"}), "self-signed", "ab" * 32)

    (way,) = (one for one in judged([doubtful], (5986, "https-ntlm"), works=False) if one.safest)

    assert (way.id, way.trusted) == ("https-ntlm", False)
    assert "isn’t trusted yet" in way.message


def test_basic_without_tls_is_no_way_whatever_a_host_offers():
    bare = Listener(5985, False, frozenset({"basic"}))

    assert not any(one.offered for one in judged([bare], (5985, "http-ntlm"), works=False))
    assert not any(kind.transport == "basic" and not kind.use_tls for kind in KINDS)


@pytest.mark.django_db
def test_a_preflight_tells_the_ways_at_the_api(folk, lab):
    body = api(folk.admin).post("/api/v1/clusters/preflight/", lab.way, format="json").json()

    (chosen,) = (way for way in body["ways"] if way["chosen"])
    assert (chosen["id"], chosen["port"], chosen["offered"]) == (
        "http-ntlm",
        lab.way["port"],
        True,
    )
    assert chosen["safest"] and "encrypted messages" in chosen["name"]
