"""A PostgreSQL server of its own: a free port, a temporary folder, nothing kept."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.waiting import wait_for

FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")


def binaries() -> Path | None:
    """The folder of the newest server that is installed, or None."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4])
    )
    if found:
        return found[-1].parent
    plain = shutil.which("postgres")
    return Path(plain).resolve().parent if plain else None


def _other_user() -> str | None:
    """PostgreSQL refuses to run as root: whom to run it as then."""
    return "postgres" if os.geteuid() == 0 else None


@contextlib.contextmanager
def server(folder_of_binaries: Path) -> Iterator[str]:
    """The address of a running server's database, as FABRIC_DATABASE_URL takes it."""
    user = _other_user()
    folder = Path(tempfile.mkdtemp(prefix="fabric-pg-"))
    if user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")
    binary = str(folder_of_binaries / "initdb")
    initdb = [binary, *f"-U fabric -A trust -N -E UTF8 -D {data}".split()]
    subprocess.run(initdb, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    options = [word for option in FAST for word in ("-c", option)]
    binary = str(folder_of_binaries / "postgres")
    command = [binary, *f"-D {data} -p {port} -k {folder}".split(), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, user=user, cwd=folder, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: _answers(port), "the PostgreSQL server", seconds=30)
        yield f"postgres://fabric@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=fabric dbname=postgres").close()
    except psycopg.OperationalError:
        return False
    return True
