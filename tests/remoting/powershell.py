"""The real PowerShell engine, where this machine has one (environment variable FABRIC_PWSH)."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

ENGINE = os.environ.get("FABRIC_PWSH", "")
needs_engine = pytest.mark.skipif(
    not ENGINE, reason="no PowerShell engine: set FABRIC_PWSH to the path of pwsh"
)


def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess:
    """Runs the engine as Windows PowerShell 5.1."""
    return subprocess.run(
        [ENGINE, "-PretendWindowsPowerShell", "-NoProfile", "-NonInteractive", *arguments],
        input=stdin,
        capture_output=True,
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


def encoded(text: str) -> list[str]:
    return ["-EncodedCommand", base64.b64encode(text.encode("utf-16-le")).decode()]


def stub_file(folder: Path, text: str) -> str:
    """A stub handler: what a cmdlet that only Windows has is to answer."""
    path = folder / "stubs.ps1"
    path.write_text(text)
    return str(path)
