"""The session's two scripts on the real engine, through pipes: frames, errors, a thousand calls."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from apps.remoting import frames, scripts
from apps.remoting.sessions import bootstrap_arguments, loop_line

from .powershell import ENGINE, encoded, needs_engine

PYWINRM_LIMIT = 3060  # characters of script text that fit the command line, base64 and all
STEADY = 60 * 1024 * 1024


class Process:
    """A session's PowerShell, fed line by line."""

    def __init__(self) -> None:
        start = scripts.load("remoting", "Enter-PortalSession").text
        self.process = subprocess.Popen(
            [ENGINE, "-PretendWindowsPowerShell", "-NoProfile", "-NonInteractive", *encoded(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.number = 0
        self.reader = frames.Reader()
        self._write(loop_line())

    def _write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, text: str, parameters: dict | None = None, *, is_known: bool = False) -> None:
        self.number += 1
        digest = hashlib.sha256(text.encode()).hexdigest()
        given = frames.parameters_line(parameters or {})
        self._write(frames.request(self.number, digest, None if is_known else text, given))

    def answer(self) -> list[frames.Frame]:
        """The frames of the call asked last; those so far when PowerShell has ended."""
        found: list[frames.Frame] = []
        for line in self.process.stdout:
            found += self.reader.feed(line)
            if found and found[-1].kind != frames.PROGRESS:
                break
        assert all(frame.number == self.number for frame in found)
        return found

    def call(self, text: str, parameters: dict | None = None, **more) -> list[frames.Frame]:
        self.ask(text, parameters, **more)
        return self.answer()

    def end(self) -> int:
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture
def powershell() -> Iterator[Process]:
    made = Process()
    with made.process:
        yield made
        made.process.kill()


def test_the_bootstrap_on_the_command_line_is_tiny():
    assert len(scripts.load("remoting", "Enter-PortalSession").text) < PYWINRM_LIMIT
    text = base64.b64decode(bootstrap_arguments()[-1]).decode("utf-16-le")
    assert text == scripts.load("remoting", "Enter-PortalSession").text


@needs_engine
def test_the_last_text_is_the_result_and_progress_goes_before(powershell):
    text = """
        param([string]$Name, [hashtable]$Pairs, [string[]]$List)
        '{"progress": 40, "message": "halb fertig \u2713"}'
        @{ name = $Name; pairs = $Pairs; list = $List } | ConvertTo-Json -Compress -Depth 8
    """
    parameters = {"Name": "Zoë 漢字 'x' $y", "Pairs": {"@a@": "1"}, "List": ["one"]}

    progress, result = powershell.call(text, parameters)

    assert (progress.kind, progress.document["message"]) == ("p", "halb fertig ✓")
    assert (result.kind, result.document) == (
        "r",
        {"name": "Zoë 漢字 'x' $y", "pairs": {"@a@": "1"}, "list": ["one"]},
    )
    assert result.memory > 1024 * 1024


@needs_engine
def test_large_parameters_arrive_whole(powershell):
    (result,) = powershell.call(
        "param([string]$Text)\n[string]$Text.Length", {"Text": "ä" * 200_000}
    )

    assert result.document == 200_000


@needs_engine
def test_a_huge_answer_comes_whole(powershell):
    (result,) = powershell.call("""'"' + ('é' * 10000000) + '"'""")

    assert result.document == "é" * 10_000_000


@needs_engine
def test_other_streams_and_host_output_stay_out_of_the_answer(powershell):
    found = powershell.call(
        "Write-Warning 'w'; Write-Verbose 'v' -Verbose; Write-Host 'h'; Write-Information 'i'; '{}'"
    )

    assert [frame.kind for frame in found] == ["r"]
    assert powershell.reader.stray == ""


@needs_engine
def test_an_error_becomes_a_frame_with_its_record_and_the_session_goes_on(powershell):
    (error,) = powershell.call("\nGet-Item -LiteralPath '/nicht/da/ü'")
    (after,) = powershell.call("'1'")

    assert error.kind == "e"
    assert error.document["category"] == "ObjectNotFound"
    assert error.document["error_id"] == "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert "/nicht/da/ü" in error.document["message"]
    assert error.document["position"].startswith("At line:2 char:1")
    assert error.document["type"] == "System.Management.Automation.ItemNotFoundException"
    assert (after.kind, after.document) == ("r", 1)


@needs_engine
@pytest.mark.parametrize(
    ("text", "parameters", "error_id"),
    [
        ("[CmdletBinding()]param([string]$Name)\n'{}'", {"Nope": 1}, "NamedParameterNotFound"),
        (
            "param([ValidateRange(1, 5)][int]$N)\n'{}'",
            {"N": 9},
            "ParameterArgumentValidationError",
        ),
        ("if (", {}, "ParseException"),
        ("throw 'in my own words'", {}, "in my own words"),
    ],
)
def test_a_script_that_cannot_run_says_why(powershell, text, parameters, error_id):
    (error,) = powershell.call(text, parameters)

    assert (error.kind, error.document["error_id"]) == ("e", error_id)


@needs_engine
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("if ($false) { '1' }", "The script ended without a result."),
        ("Get-Item -LiteralPath .", "The script wrote an object that is no text."),
    ],
)
def test_an_answer_that_is_no_document_is_an_error(powershell, text, words):
    (error,) = powershell.call(text)

    assert (error.kind, error.document["message"]) == ("e", words)


@needs_engine
def test_what_one_script_sets_the_next_does_not_see(powershell):
    powershell.call(
        "$secret = 'kept'; function Get-Secret { 'kept' }; $ErrorActionPreference = 'Ignore'; '1'"
    )

    (variable,) = powershell.call(
        "if (Test-Path -LiteralPath 'Variable:secret') { 'true' } else { 'false' }"
    )
    (function,) = powershell.call("Get-Secret")
    (preference,) = powershell.call('"`"$ErrorActionPreference`""')

    assert variable.document is False
    assert function.document["category"] == "ObjectNotFound"
    assert preference.document == "Stop"


@needs_engine
def test_a_script_that_exits_ends_the_session_with_its_code(powershell):
    assert powershell.call("exit 7") == []
    assert powershell.process.wait(20) == 7


@needs_engine
def test_terminating_the_process_ends_a_script_at_once(powershell):
    powershell.ask('\'{"progress":1,"message":"on my way"}\'; Start-Sleep -Seconds 600; \'1\'')
    list(powershell.reader.feed(powershell.process.stdout.readline()))

    powershell.process.send_signal(signal.SIGTERM)

    assert powershell.answer() == []
    assert powershell.process.wait(20) != 0


@needs_engine
def test_a_thousand_calls_in_one_process_keep_its_memory_steady(powershell):
    text = (
        "param([int]$N)\n"
        "@(1..20 | ForEach-Object -Process { @{ id = $_; n = $N } }) | ConvertTo-Json -Compress"
    )
    for number in range(200):
        powershell.call(text, {"N": number}, is_known=number > 0)
    (early,) = powershell.call(text, {"N": -1}, is_known=True)

    for number in range(800):
        (last,) = powershell.call(text, {"N": number}, is_known=True)
        assert last.document[19] == {"id": 20, "n": number}

    assert last.memory - early.memory < STEADY
    assert powershell.end() == 0


@needs_engine
def test_the_process_ends_when_its_input_ends(powershell):
    powershell.call("'1'")

    assert powershell.end() == 0


def test_a_request_is_one_line_of_plain_characters():
    line = frames.request(3, "ab", "'ü'\n", frames.parameters_line({"Name": "a\nb"}))

    number, digest, text, parameters = line.decode("ascii").removesuffix("\n").split(" ")
    assert (number, digest) == ("3", "ab")
    assert base64.b64decode(text).decode() == "'ü'\n"
    assert json.loads(base64.b64decode(parameters)) == {"Name": "a\nb"}
