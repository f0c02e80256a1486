"""How fast the portal is. Prints figures; judges none.

usage: python -m benchmarks [--demo var/demo.json] [--rows 10000 100000] [--mib 2048] [part …]

wire     calls to a thousand simulated hosts, beside pywinrm by itself
grid     the grid of virtual machines, on SQLite and on PostgreSQL where that is installed
start    a demo of its own: both starts, memory, a deployment
read     lists of the demo that runs already, if one does
files    uploads beside cat and sha256sum, pulls by hosts beside nginx; files lie in TMPDIR
inspect  template disks of 64 GiB and 2 TiB, and what a costly one costs
seeing   what two browsers see of one order, in a demo of its own
scale    a thousand hosts by the clock, 700 machines on demand
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import wire
from benchmarks.clients import Client, say
from benchmarks.inspecting import inspecting
from benchmarks.moving import moving
from benchmarks.reading import reading, refreshing
from benchmarks.seeing import seeing
from benchmarks.starting import starting
from tests import postgres

PARTS = ("wire", "grid", "start", "read", "files", "inspect", "seeing", "scale")


def grid(rows: list[int]) -> None:
    """A process for each database, as settings are read once."""
    command = [sys.executable, "-m", "benchmarks.grid", "--rows", *map(str, rows)]
    plain = {k: v for k, v in os.environ.items() if k != "FABRIC_DATABASE_URL"}
    subprocess.run(command, env=plain, check=True)  # noqa: S603
    folder = postgres.binaries()
    if folder is None:
        say("PostgreSQL isn't installed: the grid wasn't measured on it")
        return
    with postgres.server(folder) as url:
        chosen = plain | {"FABRIC_DATABASE_URL": url}
        subprocess.run(command, env=chosen, check=True)  # noqa: S603


def read(path: Path, requests: int) -> None:
    if not path.exists():
        say(f"{path} isn't there: lists are read where a demo runs")
        return
    demo = json.loads(path.read_text())
    admin = next(user for user in demo["users"] if user["username"] == "admin")
    client = Client(demo["url"], admin["api_token"])
    try:
        reading(client, requests)
        refreshing(client)
    except ConnectionRefusedError:
        say(f"{demo['url']} doesn't answer: lists are read where a demo runs")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all of them unless said")
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--mib", type=int, default=2048)
    options = parser.parse_args()
    parts = options.part or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if "wire" in parts:
        wire.calling(options.hosts)
        wire.starting_powershell()
    if "grid" in parts:
        grid(options.rows)
    if "start" in parts:
        starting()
    if "read" in parts:
        read(options.demo, options.requests)
    if "files" in parts:
        moving(options.mib)
    if "inspect" in parts:
        inspecting()
    if "seeing" in parts:
        seeing()
    if "scale" in parts:
        subprocess.run([sys.executable, "-m", "benchmarks.scale"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
