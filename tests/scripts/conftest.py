"""One engine for all tests of scripts, and the files that a deployment is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.lab.cmdlets.session import Session
from apps.lab.files import keys
from apps.lab.files.samples import Sample, Workshop
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell
from tests.scripts.worlds import healthy, states

PAUSE = 0.005  # seconds; as long as the engine's own Start-Sleep takes here


@pytest.fixture(scope="session")
def powershell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerShell]:
    if not pwsh.ENGINE:
        pytest.skip("no PowerShell engine on this machine: FABRIC_PWSH names none")
    made = PowerShell(tmp_path_factory.mktemp("engine"))
    yield made
    made.close()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that waits looks again at once, as the engine's scripts do."""
    whole = Session.pause
    monkeypatch.setattr(Session, "pause", lambda self, s: whole(self, min(s, PAUSE)))


@dataclass(frozen=True)
class Made:
    """The demo's files by their names, and the lab's folder that holds the keys."""

    lab: Path
    samples: dict[str, Sample]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    services = [*healthy().definition.guardians, *states().definition.guardians]
    parties = [keys.guardian_party(folder / "lab", row) for row in services]
    shop = Workshop(folder / "out", folder / "lab", parties, 1)
    return Made(folder / "lab", {one.name: one for one in shop.all()})
