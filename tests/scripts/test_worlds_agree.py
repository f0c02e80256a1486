"""Each script on each fabric, both ways: one JSON document, one error record, one outcome."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scripts import pwsh
from tests.scripts.plans import PLANS, Parameters, Scene
from tests.scripts.powershell import PowerShell
from tests.scripts.twins import Twins
from tests.scripts.worlds import FABRICS

pytestmark = pwsh.needs_engine
MANY = 8  # hosts of a fabric


@pytest.fixture(scope="module", params=list(FABRICS))
def twins(
    request: pytest.FixtureRequest,
    powershell: PowerShell,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Twins]:
    fabric = FABRICS[request.param]()
    made = Twins(powershell, fabric.definition, tmp_path_factory.mktemp("twins"), fabric.prepare)
    yield made
    made.close()


@pytest.mark.parametrize("name", list(PLANS))
@pytest.mark.usefixtures("no_pauses")
def test_script_and_handler_agree(twins: Twins, name: str) -> None:
    problems, asked = [], 0
    for host in _hosts(twins, name):
        for parameters in _cases(twins, host, name):
            asked += 1
            try:
                twins.agree(host, name, parameters)
                twins.require_same_worlds()
            except AssertionError as difference:
                problems.append(f"{host} {parameters}: {difference}")
                twins.restore()

    assert asked
    assert not problems, f"{len(problems)} of {asked}:\n" + "\n".join(problems[:40])


def _cases(twins: Twins, host: str, name: str) -> list[Parameters]:
    """The plan; where hundreds of VMs are compared after each change, its beginning."""
    cases = list(PLANS[name](Scene(twins.worlds[0], host)))
    reads = name.startswith(("Get-", "Test-"))
    return cases if reads or len(_all_hosts(twins)) < MANY else cases[:2]


def _all_hosts(twins: Twins) -> list[str]:
    return [node.name for _, node in twins.worlds[0].nodes() if node.power == "on"]


def _hosts(twins: Twins, name: str) -> list[str]:
    """Those with power; of a large cluster's the first alone, but for what differs by host."""
    hosts = _all_hosts(twins)
    return hosts if len(hosts) < MANY or name == "Get-HostInventory" else hosts[:1]
