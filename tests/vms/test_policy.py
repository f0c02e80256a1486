"""The written table of what each protection level allows; anything unknown is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.vms.choices import Protection, protection_from_windows
from apps.vms.policy import BUILD_1803, Capability, decide, decide_all

YES, NO = True, False
LEVELS = ("none", "vtpm", "encryption-supported", "shielded", "unknown")

# Rows of the documented table; hosts of unknown build.
TABLE = {
    "console": (YES, YES, YES, NO, NO),
    "enhanced-session": (YES, YES, YES, NO, NO),
    "devices": (YES, YES, YES, NO, NO),
    "powershell-direct": (YES, YES, YES, NO, NO),
    "integration-services": (YES, YES, YES, NO, NO),
    "copy-file": (YES, YES, YES, NO, NO),
    "com-ports": (YES, YES, YES, NO, NO),
    "debugger": (YES, YES, YES, NO, NO),
    "change-security-level": (YES, YES, NO, NO, NO),
    "disable-secure-boot": (YES, YES, YES, NO, NO),
    "edit-hardware": (YES, YES, YES, YES, NO),
    "add-data-disk": (YES, YES, YES, YES, NO),
    "checkpoints": (YES, YES, YES, YES, NO),
    "export": (YES, YES, YES, YES, NO),
    "live-migration": (YES, YES, YES, YES, NO),
    "start-unguarded": (YES, YES, NO, NO, NO),
    "replica": (YES, YES, YES, YES, NO),
    "azure-site-recovery": (YES, YES, NO, NO, NO),
}


def test_the_table_has_every_capability():
    assert set(TABLE) == {str(capability) for capability in Capability}


@pytest.mark.parametrize("capability", TABLE)
@pytest.mark.parametrize("column", range(len(LEVELS)), ids=LEVELS)
def test_a_capability_is_decided_as_the_table_says(capability, column):
    decision = decide(Capability(capability), LEVELS[column])

    assert decision.allowed is TABLE[capability][column]


@given(st.sampled_from(list(Capability)), st.text(), st.none() | st.integers())
def test_a_protection_that_nobody_knows_is_refused_with_a_reason(capability, word, build):
    if word in Protection.values:
        return

    decision = decide(capability, word, build)

    assert not decision.allowed
    assert decision.reason and decision.instead


@given(st.sampled_from(list(Capability)), st.sampled_from(LEVELS), st.none() | st.integers())
def test_every_refusal_says_why_and_what_to_do_instead(capability, level, build):
    decision = decide(capability, level, build)

    assert decision.allowed or (decision.reason and decision.instead)


@given(st.none() | st.integers())
def test_no_host_build_opens_the_console_of_a_shielded_vm(build):
    assert not decide(Capability.CONSOLE, Protection.SHIELDED, build).allowed


def test_newer_hosts_let_the_guest_of_a_shielded_vm_be_reached_with_its_own_credentials():
    older, newer = (
        decide(Capability.POWERSHELL_DIRECT, Protection.SHIELDED, build)
        for build in (BUILD_1803 - 1, BUILD_1803)
    )

    assert not older.allowed
    assert newer.allowed and "credentials of the guest" in newer.reason


def test_all_decisions_come_in_a_fixed_order_once_each():
    assert [d.capability for d in decide_all("shielded")] == list(Capability)


@given(st.text())
def test_an_unfamiliar_word_of_windows_is_an_unknown_protection(word):
    known = {"None", "VTpm", "EncryptionSupported", "Shielded"}

    assert (protection_from_windows(word) == Protection.UNKNOWN) is (word not in known)
