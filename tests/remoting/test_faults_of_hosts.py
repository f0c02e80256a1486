"""What a host's faults leave behind, and how they are told; tests/faults walks all of them."""

from __future__ import annotations

import json

import pytest

from apps.lab.world import WireFault
from apps.remoting import call, documents, errors, scripts
from apps.remoting.documents import Document
from apps.remoting.probing import probe
from tests.lab.wsman.machines import N1
from tests.remoting.test_sessions import shells

SCRIPT = scripts.from_text("Set-Answer", "'{1}'\n")
SHIPPED = scripts.load("vms", "Get-VMDetail")


@pytest.fixture(autouse=True)
def answering(machines):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: "done"


def spoil(machines, *faults: WireFault) -> None:
    machines.by_address[N1].wire_faults = list(faults)


def test_a_shell_that_could_not_be_deleted_is_deleted_when_the_host_answers(
    machines, server, endpoint, pool
):
    call(endpoint(), SCRIPT, pool=pool)
    spoil(machines, WireFault("cut", "Send"), WireFault("cut", "Signal", done=False),
          WireFault("cut", "Delete", done=False))  # fmt: skip
    with pytest.raises(errors.Unreachable):
        call(endpoint(), SCRIPT, pool=pool)
    assert shells(server) == 2, "the kept one and the one in its place"

    spoil(machines)
    call(endpoint(), SCRIPT, pool=pool)

    assert shells(server) == 1


def test_shells_stay_remembered_while_deleting_them_fails(machines, server, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)
    spoil(machines, WireFault("cut", "Receive"), WireFault("cut", "Delete", done=False))
    with pytest.raises(errors.Unreachable):
        call(endpoint(), SCRIPT, pool=pool)
    spoil(machines, WireFault("cut", "Delete", done=False))
    call(endpoint(), SCRIPT, pool=pool)

    spoil(machines)
    call(endpoint(), SCRIPT, pool=pool)

    assert shells(server) == 1


def test_a_script_that_falls_silent_is_given_up_before_its_time(machines, endpoint, pool):
    def falls_silent(parameters, emit, cancelled):
        emit({"progress": 1, "message": "Begun"})
        cancelled.wait(60)

    machines.behaviours[SCRIPT.text] = falls_silent
    seen: list[object] = []

    with pytest.raises(errors.TimedOut, match="said nothing for 2 seconds"):
        call(endpoint(), SCRIPT, timeout=50, quiet=2, on_progress=seen.append, pool=pool)

    assert seen


def test_a_script_that_says_how_far_it_is_outlasts_its_quiet_time(machines, endpoint, pool):
    def talks(parameters, emit, cancelled):
        for number in range(8):
            emit({"progress": number, "message": ""})
            cancelled.wait(0.5)
        return "done"

    machines.behaviours[SCRIPT.text] = talks

    assert call(endpoint(), SCRIPT, timeout=50, quiet=3, pool=pool) == "done"


def test_an_answer_that_stops_in_the_middle_is_silence_and_no_broken_line(machines, endpoint, pool):
    spoil(machines, WireFault("stall", "Receive", at=-1))

    with pytest.raises(errors.TimedOut):
        call(endpoint(), SCRIPT, timeout=2, pool=pool)


def test_a_probe_of_a_host_that_falls_silent_comes_to_an_end(machines, endpoint):
    spoil(machines, WireFault("stall", "Create"))

    steps = probe(endpoint())

    assert steps[-1].ok is False and steps[-1].fix


@pytest.mark.parametrize("code", [2150859173, 2150859174])
def test_a_user_with_too_many_shells_hears_which_limit_it_is(machines, endpoint, pool, code):
    spoil(machines, WireFault("fault", "Create", code=code, done=False))

    with pytest.raises(errors.Busy, match=str(code)) as caught:
        call(endpoint(), SCRIPT, pool=pool)

    assert "MaxShellsPerUser" in caught.value.hint


def test_a_name_that_an_answer_lacks_is_a_bad_reply_at_any_depth(endpoint):
    text = '{"vms": [{"security": {}}]}'
    told = json.loads(text, object_hook=documents.of("Get-VMDetail on N1"))

    assert isinstance(told, Document) and told == {"vms": [{"security": {}}]}
    with pytest.raises(errors.BadReply, match=r"Get-VMDetail on N1 .* “protection” is missing"):
        told["vms"][0]["security"]["protection"]
    assert told.get("state") is None


@pytest.mark.parametrize("told", [[], None, "text", 7])
def test_a_script_that_ships_answers_with_an_object(told):
    with pytest.raises(errors.BadReply, match="no object"):
        documents.checked(told, "Get-VMDetail on N1", SHIPPED)
    assert documents.checked(told, "a script on N1", SCRIPT) == told


@pytest.mark.parametrize("at", [0, 1, -1])
def test_an_answer_without_its_end_is_no_fault_of_the_portal(machines, endpoint, pool, at):
    spoil(machines, WireFault("truncated", "Receive", at=at))

    with pytest.raises((errors.BadReply, errors.Unreachable)):
        call(endpoint(), SCRIPT, pool=pool)
