"""What the log proves: by the API, by the evidence that is taken away, by reading it again."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.audit import checkpoints, tree, verification
from apps.audit.models import AuditEntry, AuditHead
from apps.audit.notes import Signer
from apps.audit.offline import verify
from apps.audit.services import record

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "apps" / "audit" / "offline" / "verify.py"
INCLUSION = "/api/v1/audit/proofs/inclusion/"
CONSISTENCY = "/api/v1/audit/proofs/consistency/"
EXPORT = "/api/v1/audit/export/"


@pytest.fixture(autouse=True)
def key(settings: object) -> Signer:
    settings.FABRIC_AUDIT_KEY = bytes(range(32))
    return Signer.from_seed(bytes(range(32)))


def write(actor: object, count: int, name: str = "vm") -> None:
    for number in range(count):
        record(
            actor=actor, action="vm.start", target_kind="vm", target_id=number, outcome="done",
            target_name=f"{name} {number} – größer", detail={"size": 1.5, "note": "\u2028"},
        )  # fmt: skip


def exported(api: APIClient, folder: Path, query: str = "") -> Path:
    answer = api.get(EXPORT + query)
    assert answer.status_code == 200, answer.content
    file = folder / f"evidence{len(list(folder.iterdir()))}.jsonl"
    file.write_bytes(b"".join(answer.streaming_content))
    return file


def verified(*arguments: object) -> tuple[int, str]:
    """As an auditor runs it: another process, nothing but the standard library."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_entry_is_proven_by_its_text_and_a_few_hashes(
    auditor_api: APIClient, admin: User, key: Signer
) -> None:
    write(admin, 21)

    told = auditor_api.get(INCLUSION, {"entry": 13}).json()

    proof = [bytes.fromhex(one) for one in told["proof"]]
    root = verify.climbed(tree.leaf_hash(told["leaf"].encode()), 12, 21, proof)
    assert root.hex() == told["checkpoint"]["root"]
    assert json.loads(told["leaf"])["target"]["name"] == "vm 12 – größer"
    reader = verify.read_key(told["checkpoint"]["key"])
    assert verify.read_note(told["checkpoint"]["note"], reader) == (21, root)


def test_two_sizes_are_proven_consistent(auditor_api: APIClient, admin: User) -> None:
    write(admin, 6)
    before = auditor_api.get("/api/v1/audit/checkpoint/").json()
    write(admin, 5)

    told = auditor_api.get(CONSISTENCY, {"first": 6, "second": 11}).json()

    from tests.audit.test_tree import consistent

    proof = [bytes.fromhex(one) for one in told["proof"]]
    after = consistent(6, 11, bytes.fromhex(before["root"]), proof)
    assert told["first_root"] == before["root"]
    assert after.hex() == told["second_root"] == checkpoints.now().root.hex()


@pytest.mark.parametrize(
    ("address", "query", "field"),
    [
        (INCLUSION, {}, "entry"),
        (INCLUSION, {"entry": "0"}, "entry"),
        (INCLUSION, {"entry": "4"}, "entry"),
        (INCLUSION, {"entry": "1e3"}, "entry"),
        (INCLUSION, {"entry": "2", "size": "1"}, "size"),
        (INCLUSION, {"entry": "2", "size": "9"}, "size"),
        (CONSISTENCY, {"first": "3", "second": "2"}, "first"),
        (CONSISTENCY, {"first": "1", "second": "9" * 30}, "second"),
    ],
)
def test_numbers_that_the_log_does_not_have_are_named(
    auditor_api: APIClient, admin: User, address: str, query: dict[str, str], field: str
) -> None:
    write(admin, 3)

    answer = auditor_api.get(address, query)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_a_tenant_proves_its_own_entries_and_no_others(
    contoso_api: APIClient, contoso: User, admin: User
) -> None:
    write(admin, 1)
    write(contoso, 1)

    assert contoso_api.get(INCLUSION, {"entry": 2}).status_code == 200
    assert contoso_api.get(INCLUSION, {"entry": 1}).status_code == 404
    assert contoso_api.get(EXPORT).status_code == 403


def test_evidence_of_the_whole_log_is_checked_without_the_portal(
    auditor_api: APIClient, admin: User, tmp_path: Path, key: Signer
) -> None:
    write(admin, 9)
    earlier = exported(auditor_api, tmp_path)
    write(admin, 700)
    file = exported(auditor_api, tmp_path)

    code, words = verified(file, "--key", key.verifier_key, "--since", earlier)

    assert (code, words.splitlines()[:2]) == (0, [
        "All 711 entries are those that were signed, in their order, none missing.",
        "The first 10 are those that were signed before.",
    ])  # fmt: skip


def test_evidence_of_some_entries_is_checked_one_by_one(
    auditor_api: APIClient, admin: User, tmp_path: Path, key: Signer
) -> None:
    write(admin, 30, "other")
    write(admin, 4, "mine")

    code, words = verified(exported(auditor_api, tmp_path, "?q=mine"), "--key", key.verifier_key)

    assert code == 0
    assert words.startswith("4 entries are in the log of 35 entries that was signed.")


def changed(lines: list[str], at: int, **told: object) -> list[str]:
    row = json.loads(lines[at])
    leaf = json.loads(row["leaf"]) | told
    row["leaf"] = json.dumps(leaf, sort_keys=True, separators=(",", ":"))
    return [*lines[:at], json.dumps(row), *lines[at + 1 :]]


def another_key(lines: list[str]) -> list[str]:
    forger = Signer.from_seed(bytes(32))
    head = json.loads(lines[0])
    head["checkpoint"] = forger.checkpoint(head["size"], bytes.fromhex(head["root"]))
    return [json.dumps(head | {"key": forger.verifier_key}), *lines[1:]]


@pytest.mark.parametrize(
    "forge",
    [
        lambda lines: changed(lines, 3, outcome="failed"),
        lambda lines: [*lines[:4], *lines[5:]],
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [lines[0].replace('"size":13', '"size":12'), *lines[1:-1]],
        another_key,
    ],
    ids=["changed", "taken out", "cut", "added", "swapped", "shortened", "signed by another"],
)
@pytest.mark.parametrize("query", ["", "?q=vm"], ids=["whole", "some"])
def test_forged_evidence_does_not_pass(
    auditor_api: APIClient, admin: User, tmp_path: Path, key: Signer, forge, query, request
) -> None:
    write(admin, 12)
    file = exported(auditor_api, tmp_path, query)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(forge(lines)) + "\n")

    code, words = verified(file, "--key", key.verifier_key)

    harmless = query and request.node.callspec.id.split("-")[-1] in (
        "taken out", "cut", "added", "swapped",
    )  # fmt: skip
    assert code == (0 if harmless else 1), words


def test_a_log_that_was_written_anew_is_not_the_one_of_before(
    auditor_api: APIClient, admin: User, tmp_path: Path, key: Signer
) -> None:
    write(admin, 8)
    earlier = exported(auditor_api, tmp_path)
    AuditEntry.objects.all().delete()
    AuditHead.objects.update(size=0, peaks=[])
    write(admin, 9, "innocent")

    code, words = verified(exported(auditor_api, tmp_path), "--since", earlier)

    assert (code, words) == (
        1, "WRONG: The first 9 entries aren't those that were signed before.\n"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "{}", "[1]", "GIF89a", '{"evidence":2}', '{"evidence":1}'])
def test_what_is_no_evidence_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "picture.gif"
    file.write_text(text)

    code, words = verified(file)

    assert (code, words.split(":")[0]) == (2, "Can't tell")


@settings(deadline=None)
@given(st.binary(max_size=100), st.binary(min_size=32, max_size=32), st.integers(0, 511))
def test_the_verifier_s_signatures_are_those_of_everybody(
    message: bytes, seed: bytes, bit: int
) -> None:
    signer = Signer.from_seed(seed)
    signature = bytearray(signer.key.sign(message))

    assert verify.signed(signer.public, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verify.signed(signer.public, message, bytes(signature))


def test_a_note_has_the_form_that_others_read(key: Signer) -> None:
    note = key.checkpoint(3, bytes(32))

    assert note.splitlines()[1:4] == ["3", base64.b64encode(bytes(32)).decode(), ""]
    assert note.splitlines()[4].startswith(f"— {key.name} ")
    assert key.verifier_key.startswith(f"{key.name}+{key.key_hash.hex()}+")


def test_a_log_that_nobody_touched_is_found_right(admin: User) -> None:
    write(admin, 40)
    checkpoints.keep()
    write(admin, 3)

    found = verification.run(verification.begin())

    assert (found.size, found.problem) == (43, "")


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (lambda: AuditEntry.objects.filter(index=5).update(outcome="failed"), "Entry 5 isn’t what"),
        (lambda: AuditEntry.objects.filter(index=5).delete(), "Entry 5 isn’t there"),
        (lambda: AuditEntry.objects.filter(index=10).delete(), "by its head"),
        (
            lambda: (
                AuditEntry.objects.filter(index=10).delete(),
                AuditHead.objects.update(size=F("size") - 1),
            ),
            "The log has 9",
        ),
        (
            lambda: AuditEntry.objects.filter(index=8).update(subtrees=["00"]),
            "that entry 8 keeps",
        ),
    ],
)
def test_what_somebody_changed_in_the_database_is_found(admin: User, tamper, problem: str) -> None:
    write(admin, 10)
    checkpoints.keep()

    tamper()

    assert problem in verification.run(verification.begin()).problem


def test_a_log_written_anew_in_the_database_does_not_fit_its_checkpoints(admin: User) -> None:
    write(admin, 10)
    checkpoints.keep()
    AuditEntry.objects.all().delete()
    AuditHead.objects.update(size=0, peaks=[])
    write(admin, 12, "innocent")

    assert verification.run(verification.begin()).problem == (
        "The first 10 entries aren’t those that were signed."
    )


def test_proofs_cost_the_same_however_long_the_log_is(
    auditor_api: APIClient, admin: User, django_assert_max_num_queries: object
) -> None:
    write(admin, 130)

    with django_assert_max_num_queries(7):
        auditor_api.get(INCLUSION, {"entry": 65})


def test_without_a_key_the_log_proves_its_order_but_is_not_signed(
    auditor_api: APIClient, admin: User, settings: object, tmp_path: Path
) -> None:
    settings.FABRIC_AUDIT_KEY = b""
    write(admin, 3)

    assert auditor_api.get("/api/v1/audit/checkpoint/").json()["note"] == ""
    assert checkpoints.keep() is None
    assert verified(exported(auditor_api, tmp_path)) == (
        2, "Can't tell: the portal had no key to sign with.\n"
    )  # fmt: skip
