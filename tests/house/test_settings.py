"""A setting that can't be right stops the start, in one line that names it and not its value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def start(
    tmp_path: Path, command: str = "check", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Runs manage.py with these settings and no others."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FABRIC_", "DJANGO_"))}
    environment = kept | {"FABRIC_DATA_DIR": str(tmp_path)} | settings
    return subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FABRIC_DEBUG", "perhaps"),
        ("FABRIC_LOG_LEVEL", "LOUD"),
        ("FABRIC_SESSION_HOURS", "many"),
        ("FABRIC_OBSERVE_SECONDS", "1"),
        ("FABRIC_DATABASE_URL", "mysql://user:hunter2@host/name"),
        ("FABRIC_CREDENTIAL_KEYS", "k1:too-short-hunter2"),
        ("FABRIC_REDIS_URL", "http://hunter2"),
        ("FABRIC_PUBLIC_URL", "hunter2"),
        ("FABRIC_CONTENT_URL", "http://hunter2"),
        ("FABRIC_SECRET_KEY", "hunter2"),
        ("FABRIC_SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_bad_value_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, **{name: value})

    assert done.returncode != 0
    assert name.removesuffix("_FILE") in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("a secret that is long enough to be taken for one\n")

    assert start(tmp_path, FABRIC_SECRET_KEY_FILE=str(secret)).returncode == 0


def test_without_secrets_nothing_is_served(tmp_path: Path) -> None:
    done = start(tmp_path, "serve")

    assert done.returncode != 0
    assert "FABRIC_SECRET_KEY is not set" in done.stderr


def test_the_demo_makes_its_own_secrets_for_its_owner_alone(tmp_path: Path) -> None:
    first = start(tmp_path, FABRIC_DEMO="1")
    kept = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    start(tmp_path, FABRIC_DEMO="1")

    assert first.returncode == 0
    assert sorted(kept) == ["audit_key", "credential_keys", "secret_key"]
    for path in (tmp_path / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == kept[path.name]
