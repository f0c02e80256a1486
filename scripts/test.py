"""Runs every test, on SQLite and then on PostgreSQL. What the tests need is installed where that
may be.

usage: python -m scripts.test [arguments of pytest]
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from tests import postgres

SERVERS = f"{os.environ.get('PATH', '')}:/usr/sbin"  # Debian's place, which few have in PATH
NEEDED: dict[str, Callable[[], object]] = {
    "chromium": lambda: shutil.which("chromium") or shutil.which("chromium-browser"),
    "postgresql": postgres.binaries,
    "redis-server": lambda: shutil.which("redis-server"),
    "qemu-utils": lambda: shutil.which("qemu-img") and shutil.which("qemu-io"),
    "libbde-utils": lambda: shutil.which("bdeinfo"),
    "libvhdi-utils": lambda: shutil.which("vhdiinfo"),
    "krb5-kdc": lambda: shutil.which("krb5kdc", path=SERVERS),
    "krb5-admin-server": lambda: shutil.which("kadmin.local", path=SERVERS),
}


def apt() -> list[str] | None:
    """How to call apt-get here, or None where we may not."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    asked = ["sudo", "-n", "true"]
    if shutil.which("sudo") and subprocess.run(asked, capture_output=True).returncode == 0:
        return ["sudo", "-n", "apt-get"]
    return None


def install_what_is_missing() -> None:
    missing = [name for name, there in NEEDED.items() if not there()]
    if not missing:
        return
    command = apt()
    if command is None:
        say(f"Not installed: {', '.join(missing)}. Tests that need them are skipped.")
        return
    say(f"Installing {', '.join(missing)} …")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*command, "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL)
    for name in missing:
        done = subprocess.run(
            [*command, "install", "-y", "-qq", "--no-install-recommends", name],
            env=quiet,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            say(f"{name} could not be installed. Tests that need it are skipped.")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pytest(arguments: list[str], database_url: str) -> int:
    environment = {k: v for k, v in os.environ.items() if k != "FABRIC_DATABASE_URL"}
    if database_url:
        environment["FABRIC_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile", *arguments]
    return subprocess.run(command, env=environment).returncode


def main(arguments: list[str]) -> int:
    install_what_is_missing()
    say("On SQLite")
    first = pytest(arguments, "")
    folder = postgres.binaries()
    if folder is None:
        say("PostgreSQL isn't installed: its half of the tests didn't run.")
        return first or 1
    say("On PostgreSQL")
    with postgres.server(folder) as url:
        return pytest(arguments, url) or first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
