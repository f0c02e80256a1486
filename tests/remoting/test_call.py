"""A call from end to end: the portal's client, a real socket, a simulated host."""

from __future__ import annotations

import threading

import pytest

from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.remoting import call, errors, scripts
from tests.lab.wsman.machines import N1

TRANSPORTS = ["ntlm-http", "ntlm-https", "basic-https"]
SCRIPT = scripts.from_text("Get-Answer", "param([string]$Name)\n'{}'\n")


@pytest.fixture
def behave(machines):
    """Sets what the script does on the simulated hosts."""

    def behave(behaviour):
        machines.behaviours[SCRIPT.text] = behaviour

    return behave


def raising(error):
    def behaviour(parameters, emit, cancelled):
        raise error

    return behaviour


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_gives_the_scripts_document(behave, endpoint, pool, transport):
    behave(lambda parameters, emit, cancelled: {"hello": parameters})

    answer = call(endpoint(transport), SCRIPT, {"Name": "Zoë ✓ 漢字"}, pool=pool)

    assert answer == {"hello": {"Name": "Zoë ✓ 漢字"}}


@pytest.mark.parametrize("document", [None, [], 0, "text", {"a": [1, {"b": None}]}])
def test_any_json_document_is_an_answer(behave, endpoint, pool, document):
    behave(lambda parameters, emit, cancelled: document)

    assert call(endpoint(), SCRIPT, pool=pool) == document


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_large_parameters_and_a_large_answer_arrive_whole(behave, endpoint, pool, transport):
    text = "ä✓" * 100_000  # 500 kB in UTF-8
    behave(lambda parameters, emit, cancelled: parameters["Name"] * 4)

    assert call(endpoint(transport), SCRIPT, {"Name": text}, pool=pool) == text * 4


def test_progress_comes_in_order_before_the_answer(behave, endpoint, pool):
    def behaviour(parameters, emit, cancelled):
        for percent in (10, 60, 100):
            emit({"progress": percent, "message": f"at {percent} ✓"})
        return "done"

    behave(behaviour)
    seen = []

    assert call(endpoint(), SCRIPT, on_progress=seen.append, pool=pool) == "done"
    assert [(p["progress"], p["message"]) for p in seen] == [
        (10, "at 10 ✓"),
        (60, "at 60 ✓"),
        (100, "at 100 ✓"),
    ]


def test_progress_is_heard_while_the_script_still_runs(behave, endpoint, pool):
    heard = threading.Event()

    def behaviour(parameters, emit, cancelled):
        emit({"progress": 1, "message": "waiting for you"})
        return heard.wait(20)

    behave(behaviour)

    assert call(endpoint(), SCRIPT, on_progress=lambda _: heard.set(), pool=pool) is True


def test_a_script_that_throws_is_refused_in_the_hosts_words(behave, endpoint, pool):
    behave(
        raising(
            CmdletError(
                "Hyper-V fand den Computer „x“ nicht.",
                "ObjectNotFound",
                "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM",
                "At line:3 char:5",
            )
        )
    )

    with pytest.raises(errors.ScriptRefused) as caught:
        call(endpoint(), SCRIPT, pool=pool)

    refusal = caught.value
    assert refusal.host_message == "Hyper-V fand den Computer „x“ nicht."
    assert refusal.message == f"N1 refused Get-Answer: {refusal.host_message}"
    assert (refusal.category, refusal.position) == ("ObjectNotFound", "At line:3 char:5")
    assert refusal.error_id == "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM"


def test_an_answer_that_is_no_json_is_a_bad_reply(behave, endpoint, pool):
    behave(raising(WireFault("garbage")))

    with pytest.raises(errors.BadReply) as caught:
        call(endpoint(), SCRIPT, pool=pool)

    assert "502 Bad Gateway" in caught.value.host_message


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wire_that_breaks_amid_the_answer_is_unreachable_and_not_repeated(
    machines, behave, endpoint, pool, transport
):
    behave(raising(WireFault("drop")))

    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint(transport), SCRIPT, pool=pool)

    assert caught.value.message == "The connection to N1 broke off."
    assert len(machines.runs) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_host_that_hangs_is_timed_out_and_its_script_terminated(
    behave, endpoint, pool, transport
):
    ended = threading.Event()

    def hang(parameters, emit, cancelled):
        cancelled.wait()
        ended.set()
        raise ScriptCancelled

    behave(hang)

    with pytest.raises(errors.TimedOut) as caught:
        call(endpoint(transport), SCRIPT, timeout=1, pool=pool)

    assert "had not ended after 1 seconds" in caught.value.message
    assert ended.wait(10)


def test_a_script_whose_process_crashes_ends_at_once_without_an_answer(behave, endpoint, pool):
    def crash(parameters, emit, cancelled):
        raise ZeroDivisionError

    behave(crash)

    with pytest.raises(errors.ScriptCrashed) as caught:
        call(endpoint(), SCRIPT, timeout=30, pool=pool)

    assert caught.value.exit_code == -532462766
    assert caught.value.hint


def test_a_call_stops_when_its_caller_says_so(behave, endpoint, pool):
    running, ended = threading.Event(), threading.Event()

    def behaviour(parameters, emit, cancelled):
        running.set()
        cancelled.wait()
        ended.set()
        raise ScriptCancelled

    behave(behaviour)

    with pytest.raises(errors.Stopped):
        call(endpoint(), SCRIPT, should_stop=running.is_set, pool=pool)

    assert ended.wait(10)


def test_an_exception_of_the_listener_terminates_the_script(behave, endpoint, pool):
    ended = threading.Event()

    def behaviour(parameters, emit, cancelled):
        emit({"progress": 5, "message": ""})
        cancelled.wait()
        ended.set()
        raise ScriptCancelled

    behave(behaviour)

    def listener(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(endpoint(), SCRIPT, on_progress=listener, pool=pool)
    assert ended.wait(10)


def test_more_output_than_the_limit_is_too_large(behave, endpoint, pool):
    behave(lambda parameters, emit, cancelled: "x" * 70_000_000)

    with pytest.raises(errors.TooLarge) as caught:
        call(endpoint("basic-https"), SCRIPT, pool=pool)

    assert "more than 64 MiB" in caught.value.message


def test_a_slow_script_is_waited_for(behave, endpoint, pool):
    behave(lambda parameters, emit, cancelled: cancelled.wait(2.5))  # beyond one Receive

    assert call(endpoint(), SCRIPT, pool=pool) is False


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wrong_password_is_refused_and_never_shown(endpoint, pool, transport):
    wrong = endpoint(transport, password="hunter2-hunter2")

    with pytest.raises(errors.SignInRefused) as caught:
        call(wrong, SCRIPT, pool=pool)

    refusal = caught.value
    assert refusal.message == "N1 refused the sign-in of FABRIC\\portal."
    shown = f"{refusal!r} {refusal.hint} {refusal.__cause__!r} {wrong!r}"
    assert "hunter2" not in shown


def test_a_host_that_is_off_is_unreachable(machines, endpoint, pool):
    machines.by_address[endpoint().address].powered_on = False

    with pytest.raises(errors.Unreachable):
        call(endpoint(), SCRIPT, pool=pool)


def test_a_host_that_goes_off_amid_a_call_is_unreachable(machines, behave, endpoint, pool):
    def behaviour(parameters, emit, cancelled):
        machines.by_address[endpoint().address].powered_on = False
        cancelled.wait()
        raise ScriptCancelled

    behave(behaviour)

    with pytest.raises(errors.Unreachable):
        call(endpoint(), SCRIPT, pool=pool)


def test_a_closed_port_is_unreachable_at_tcp(endpoint, pool):
    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint(port=9), SCRIPT, pool=pool)

    assert caught.value.step == "tcp"
    assert caught.value.message == f"Nothing answers on port 9 of N1 ({N1})."


def test_an_unknown_name_is_unreachable_by_name(endpoint, pool):
    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint(address="no-such-host.invalid"), SCRIPT, pool=pool)

    assert caught.value.step == "name"


def test_a_port_that_speaks_no_tls_is_unreachable_at_tls(server, endpoint, pool):
    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint("ntlm-https", port=server.http_port), SCRIPT, pool=pool)

    assert caught.value.step == "tls"


def test_two_threads_at_one_host_use_two_shells(behave, endpoint, pool):
    together = threading.Barrier(2, timeout=20)
    behave(lambda parameters, emit, cancelled: together.wait() >= 0)
    answers = []

    threads = [
        threading.Thread(target=lambda: answers.append(call(endpoint(), SCRIPT, pool=pool)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [True, True]
