"""The bootstrap script on the real engine: the frames that the client reads."""

from __future__ import annotations

import base64

import pytest

from apps.remoting import frames, scripts
from apps.remoting.sessions import bootstrap_arguments

from .powershell import encoded, needs_engine, run


def bootstrapped(text: str, parameters: dict | None = None) -> tuple[int, list[frames.Frame]]:
    """(exit code, frames) of a script text that goes through the bootstrap."""
    bootstrap = scripts.load("remoting", "Invoke-PortalScript").text
    done = run(*encoded(bootstrap), stdin=frames.request(text, parameters or {}))
    reader = frames.Reader()
    found = [*reader.feed(done.stdout), *reader.close()]
    assert reader.stray == ""
    return done.returncode, found


def test_the_command_line_stays_below_the_limit_of_cmd():
    line = " ".join(["powershell.exe", *bootstrap_arguments()])

    assert len(line) < 8191


def test_the_encoded_command_is_the_file_itself():
    text = base64.b64decode(bootstrap_arguments()[-1]).decode("utf-16-le")

    assert text == scripts.load("remoting", "Invoke-PortalScript").text


@needs_engine
def test_the_last_text_is_the_result_and_progress_goes_before():
    text = """
        param([string]$Name, [hashtable]$Pairs, [string[]]$List)
        '{"progress": 40, "message": "halb fertig \u2713"}'
        @{ name = $Name; pairs = $Pairs; list = $List } | ConvertTo-Json -Compress -Depth 8
    """
    parameters = {"Name": "Zoë 漢字 'x' $y", "Pairs": {"@a@": "1"}, "List": ["one"]}

    code, (progress, result) = bootstrapped(text, parameters)

    assert code == 0
    assert (progress.kind, progress.document["message"]) == ("p", "halb fertig ✓")
    assert (result.kind, result.document) == (
        "r",
        {"name": "Zoë 漢字 'x' $y", "pairs": {"@a@": "1"}, "list": ["one"]},
    )


@needs_engine
def test_large_parameters_arrive_whole():
    code, (result,) = bootstrapped(
        "param([string]$Text)\n[string]$Text.Length", {"Text": "ä" * 200_000}
    )

    assert (code, result.document) == (0, 200_000)


@needs_engine
def test_other_streams_and_host_output_stay_out_of_the_answer():
    text = "Write-Warning 'w'; Write-Verbose 'v' -Verbose; Write-Host 'h'; '{}'"

    code, found = bootstrapped(text)

    assert (code, [frame.kind for frame in found]) == (0, ["r"])


@needs_engine
def test_an_error_becomes_a_frame_with_its_record():
    code, (error,) = bootstrapped("\nGet-Item -LiteralPath '/nicht/da/ü'")

    assert (code, error.kind) == (1, "e")
    assert error.document["category"] == "ObjectNotFound"
    assert error.document["error_id"] == "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert "/nicht/da/ü" in error.document["message"]
    assert error.document["position"].startswith("At line:2 char:1")
    assert error.document["type"] == "System.Management.Automation.ItemNotFoundException"


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
def test_a_script_that_cannot_run_says_why(text, parameters, error_id):
    code, (error,) = bootstrapped(text, parameters)

    assert (code, error.kind) == (1, "e")
    assert error.document["error_id"] == error_id


@needs_engine
def test_a_script_that_exits_by_itself_leaves_its_exit_code():
    assert bootstrapped("exit 7") == (7, [])
