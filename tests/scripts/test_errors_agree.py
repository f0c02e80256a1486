"""Each call of a cmdlet fails once, in each script, both ways: the record that ends the script, or
what the script makes of it, is the same, and so is what was done until then.

Which cmdlets a script calls says the engine's parser, what is to reach them says the workbench. An
error's place is not compared: the lab names none, the engine names the script's line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.lab import cmdlets
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session
from tests.scripts import pwsh, workbench
from tests.scripts.conftest import Made
from tests.scripts.powershell import PowerShell
from tests.scripts.twins import Reached, Twins
from tests.scripts.workbench import HOST, ODD, WORK, Odd

pytestmark = [pwsh.needs_engine, pytest.mark.usefixtures("no_pauses")]

CUT = "cut off: $(Get-Date) 'it' \"is\" [late]*? – 🖥️\nsecond line"


@pytest.fixture(scope="module")
def twins(
    powershell: PowerShell, tmp_path_factory: pytest.TempPathFactory, made: Made
) -> Iterator[Twins]:
    fabric = workbench.fabric(made.samples, made.lab)
    folder = tmp_path_factory.mktemp("twins")
    pair = Twins(powershell, fabric.definition, folder, fabric.prepare, lab=made.lab)
    yield pair
    pair.close()


def _lab_cmdlets(name: str) -> set[str]:
    """The cmdlets that a script calls and a host answers, by the engine's parser."""
    called = {str(call["resolved"] or call["name"]).casefold() for call in pwsh.calls(name)}
    return called - pwsh.LANGUAGE


@pytest.mark.parametrize("name", list(WORK))
def test_each_cmdlet_that_fails_ends_both_the_same(
    twins: Twins, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, called, problems, failed = Reached(name, twins.powershell), set(), [], 0

    def run(parameters: dict[str, Any], failing: tuple[int, str] | None = None) -> list[str]:
        twins.begin_trace(failing)
        try:
            reached.note(twins.agree(HOST, name, parameters))
            require_same_calls(parameters)
        except AssertionError as difference:
            problems.append(f"{parameters} {failing}: {difference}")
        trace = min((world.trace for world in twins.worlds), key=len)
        called.update(one.casefold() for one in trace)
        try:
            twins.require_same_worlds()
        except AssertionError as difference:
            problems.append(f"{parameters} {failing} has done: {difference}")
        return trace

    def require_same_calls(parameters: dict[str, Any]) -> None:
        """The same ones in the same order; who looks until the time is over looks ever so often."""
        ours, theirs = (world.trace for world in twins.worlds)
        if "TimeoutSeconds" in parameters:
            ours, theirs = sorted(set(ours)), sorted(set(theirs))
        assert ours == theirs, f"calls {ours}, not {theirs}"

    for parameters in WORK[name]:
        trace = run(parameters)
        for number in _first_and_last(trace, timed="TimeoutSeconds" in parameters):
            failed += 1
            run(parameters, (number, CUT))
    for odd in (odd for odd in ODD if odd.script == name):
        with monkeypatch.context() as patch:
            _answer_oddly(patch, odd)
            run(odd.parameters)

    assert not problems, f"{len(problems)} of {failed}:\n" + "\n".join(problems[:10])
    assert _lab_cmdlets(name) - called == set(), "no work of the workbench calls these"
    assert reached.missed(twins.powershell) == set(), "no work of the workbench reaches these lines"


def _first_and_last(trace: list[str], *, timed: bool) -> list[int]:
    """The numbers of calls to let fail; of a cmdlet that is asked again and again the first two and
    the last one. When the looks are many, what comes after them has no number of its own.
    """
    places: dict[str, list[int]] = {}
    for number, name in enumerate(trace):
        places.setdefault(name, []).append(number)
    if timed:
        return sorted(n for found in places.values() if len(found) > 1 for n in found[:2])
    return sorted({n for found in places.values() for n in [*found[:2], found[-1]]})


def _answer_oddly(patch: pytest.MonkeyPatch, odd: Odd) -> None:
    plain: Callable[[str], cmdlets.Cmdlet] = cmdlets.find
    names = (odd.cmdlet,) if isinstance(odd.cmdlet, str) else odd.cmdlet
    struck = {name.casefold() for name in names}

    def find(name: str) -> cmdlets.Cmdlet:
        found = plain(name)
        if name.casefold() not in struck:
            return found
        return lambda session, parameters: odd.change(_rows(found, session, parameters))

    patch.setattr(cmdlets, "find", find)


def _rows(cmdlet: cmdlets.Cmdlet, session: Session, parameters: Parameters) -> list[Any]:
    """What it answers; nothing where it refuses, so that an odd answer can stand for that, too."""
    try:
        return list(cmdlet(session, parameters))
    except CmdletError:
        return []


@pytest.mark.parametrize("name", list(WORK))
def test_each_script_writes_one_document(twins: Twins, name: str) -> None:
    text = pwsh.script(name).read_text(encoding="utf-8")
    twins.powershell.point(twins.server.url_of(HOST))
    try:
        count = twins.powershell.count_documents(text, twins.filled(0, WORK[name][0]))
    finally:
        twins.restore()

    assert count == 1
