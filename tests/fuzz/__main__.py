"""usage: python -m tests.fuzz [--seconds 600] [--corpus var/fuzz] [options of libFuzzer]
       python -m tests.fuzz FILE …
       python -m tests.fuzz -minimize_crash=1 -runs=100000 FILE
       python -m tests.fuzz -merge=1 INTO FROM …

Ends with status 0 where nothing was found, else with libFuzzer's; what was found lies in
the folder of the corpus as crash-… (see tests/fuzz/README.md).
"""

import argparse
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["apps.library.formats"]):
    import apps.library.formats  # noqa: F401

from tests.fuzz import mutation
from tests.fuzz.promise import held
from tests.fuzz.seeds import past, seeds
from tests.library.sparse import unpack

LARGEST = 64 << 10
#: What is about files that are named, and not about the corpus.
OWN_FILES = ("-merge", "-minimize_crash")


def try_one(raw: bytes) -> None:
    held(unpack(raw))


def mutate(raw: bytes, largest: int, seed: int) -> bytes:
    return mutation.mutated(raw, largest, seed, atheris.Mutate)


def cross(one: bytes, other: bytes, largest: int, seed: int) -> bytes:
    return mutation.crossed(one, other, largest, seed)


def write_seeds(corpus: Path) -> None:
    for name, disk in [*seeds(), *past()]:
        (corpus / f"seed-{name}").write_bytes(disk.pack())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, default=Path("var/fuzz"))
    options, more = parser.parse_known_args()
    # libFuzzer starts itself again to merge and to minimise, by what stands first here.
    arguments = [
        f"{sys.executable} -m tests.fuzz", f"-artifact_prefix={options.corpus}/", "-timeout=5",
        f"-max_len={LARGEST}", "-rss_limit_mb=1024", "-len_control=0", *more,
    ]  # fmt: skip
    options.corpus.mkdir(parents=True, exist_ok=True)
    if not any(one.startswith(OWN_FILES) or Path(one).exists() for one in more):
        write_seeds(options.corpus)
        arguments += [
            str(options.corpus), f"-max_total_time={options.seconds}", "-print_final_stats=1",
            "-reload=0",
        ]  # fmt: skip
    atheris.Setup(arguments, try_one, custom_mutator=mutate, custom_crossover=cross)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
