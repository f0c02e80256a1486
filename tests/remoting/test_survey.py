"""Which ways a host offers, asked without a credential."""

from __future__ import annotations

import dataclasses

import pytest

from apps.lab.wsman.doors import Doors
from apps.lab.wsman.server import serve
from apps.remoting import survey
from apps.remoting.endpoint import Endpoint
from tests.lab.wsman.machines import N1


@pytest.fixture
def server(machines, tmp_path):
    """On WinRM's own ports, where a survey looks."""
    server = serve(machines, 5985, 5986, machines.run, state_dir=tmp_path)
    yield server
    server.stop()


def listeners(endpoint: Endpoint) -> dict[int, tuple[set[str], str]]:
    return {one.port: (set(one.schemes), one.distrust) for one in survey(endpoint)}


@pytest.mark.parametrize("way", ["ntlm-http", "ntlm-https"])
def test_both_listeners_are_asked_whichever_was_given(machines, endpoint, server, way):
    machines.by_address[N1].doors = Doors(credssp=True)
    asked = endpoint(way, ca_certificate=server.ca_file.read_text())

    assert listeners(asked) == {
        5985: ({"negotiate", "credssp"}, ""),
        5986: ({"negotiate", "basic", "credssp"}, ""),
    }


def test_a_listener_whose_certificate_is_not_trusted_tells_its_ways_and_the_reason(
    server, endpoint
):
    secure = {one.port: one for one in survey(endpoint("ntlm-http"))}[5986]

    assert secure.schemes == {"negotiate", "basic"}
    assert "certificate verify failed" in secure.distrust
    assert secure.fingerprint == server.fingerprint(N1)


def test_a_port_where_nothing_answers_offers_nothing(machines, endpoint):
    machines.by_address[N1].powered_on = False

    assert {schemes for one in survey(endpoint()) if (schemes := one.schemes)} == set()


def test_nobody_signs_in_during_a_survey(server, machines, endpoint):
    survey(dataclasses.replace(endpoint("ntlm-http"), password="never-sent"))

    assert len(server._services["N1"].shells) == 0
    assert machines.by_address[N1].requests == 2
