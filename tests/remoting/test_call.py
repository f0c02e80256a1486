"""A call from end to end: the portal's client, a real socket, a simulated host."""

from __future__ import annotations

import pytest

from apps.remoting import call, scripts

TRANSPORTS = ["ntlm-http", "ntlm-https", "basic-https"]
SCRIPT = scripts.from_text("Get-Answer", "param([string]$Name)\n'{}'\n")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_gives_the_scripts_document(machines, endpoint, pool, transport):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: {"hello": parameters}

    answer = call(endpoint(transport), SCRIPT, {"Name": "Zoë ✓"}, pool=pool)

    assert answer == {"hello": {"Name": "Zoë ✓"}}
