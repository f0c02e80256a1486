"""The catalogue of scripts."""

from __future__ import annotations

import hashlib

import pytest

from apps.remoting import scripts


def test_a_script_is_loaded_with_its_digest_and_parameters():
    script = scripts.load("remoting", "Get-HostJob")

    assert script.parameters == ("JobId", "Offset")
    assert script.sha256 == hashlib.sha256(script.text.encode()).hexdigest()
    assert "\r" not in script.text


@pytest.mark.parametrize(
    ("room", "name"),
    [("remoting", "Get-Nothing"), ("remoting", "../../x"), ("..", "Get-HostJob"), ("", "")],
)
def test_a_script_that_is_not_there_is_missing(room, name):
    with pytest.raises(scripts.ScriptMissing):
        scripts.load(room, name)


def test_every_script_that_ships_is_in_the_catalogue_by_a_name_of_its_own():
    names = [script.name for script in scripts.catalogue()]

    assert "Invoke-PortalSession" in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("'no block'", ()),
        ("param()", ()),
        ("param($a,$b)", ("a", "b")),
        ("param($a = $x, [int]$b = (1, $y)[0], $c = @{ k = $z })", ("a", "b", "c")),
        ("param([ValidateSet('$p', \"$q,\")][string]$a, <# $n, #> $b # , $m\n)", ("a", "b")),
        (
            "[CmdletBinding()]\nparam(\n[Parameter(Mandatory = $true)]\n[guid]$VMId\n)",
            ("VMId",),
        ),
        ("function Get-It { param($inner) }\nGet-It", ()),
        ("param($a)\nfunction Get-It { param($inner) }", ("a",)),
        ("# param($comment)\nPARAM($a)", ("a",)),
    ],
)
def test_parameter_names_are_those_of_the_scripts_own_block(text, names):
    assert scripts.parameter_names(text) == names
