"""What it costs to look into a template disk: sparse ones, and one that was made to be costly.

Each is inspected by a process of its own, with the page cache warm, so that memory is the reader's.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.clients import say
from tests.library import sketch
from tests.library.sketch import GIB, MIB, TIB
from tests.library.sparse import Sparse
from tests.library.test_formats_bounds import directories_without_end, table_full_of_blocks

TIMES = 21
#: Prints the milliseconds of each time, by the clock and of CPU; MiB of memory; what was read.
PROGRAM = """
import json, sys, time
from pathlib import Path
from apps.library.formats import inspect
from apps.library.formats.metered import Metered
from tests.library.sources import FileSource

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

with FileSource(Path(sys.argv[1])) as source:
    before, taken, busy = peak(), [], []
    for _ in range(int(sys.argv[2])):
        meter, begun, worked = Metered(source), time.perf_counter(), time.process_time()
        facts = inspect(meter)
        taken.append((time.perf_counter() - begun) * 1000)
        busy.append((time.process_time() - worked) * 1000)
    print(json.dumps({"ms": taken, "cpu": busy, "mib": peak() - before, "all": peak(),
                      "reads": meter.reads, "kib": meter.bytes_read >> 10,
                      "said": [one.code for one in facts.problems]}))
"""
DISKS = {
    "64 GiB, blocks of 32 MiB": lambda: sketch.template(64 * GIB),
    "64 GiB, fixed": lambda: sketch.template(64 * GIB, fixed=True),
    "2 TiB, blocks of 32 MiB": lambda: sketch.template(2 * TIB),
    "2 TiB, blocks of 1 MiB": lambda: sketch.template(2 * TIB, MIB),
    "2 TiB, fixed, blocks of 2 MiB": lambda: sketch.template(2 * TIB, 2 * MIB, fixed=True),
    "directories without end": directories_without_end,
    "every block kept": table_full_of_blocks,
}


def inspecting() -> None:
    say(f"{'disk':<32}{'median':>8}{'slowest':>9}{'of CPU':>9}   ms; memory beyond the start’s")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in DISKS.items():
            disk: Sparse = make()
            _inspect(name, disk.write(Path(folder) / "disk.vhdx"))


def _inspect(name: str, path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(path), str(TIMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    told = json.loads(done.stdout)
    times = (statistics.median(told["ms"]), max(told["ms"]), statistics.median(told["cpu"]))
    say(
        f"{name:<32}{times[0]:>8.1f}{times[1]:>9.1f}{times[2]:>9.1f}   {told['mib']:.1f} MiB"
        f" of {told['all']:.0f}; {told['reads']} reads, {told['kib']} KiB {' '.join(told['said'])}"
    )
