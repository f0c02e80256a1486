"""usage: python -m tests.fuzz [--seconds 600] [--corpus var/fuzz] [options of libFuzzer]

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
from tests.fuzz.seeds import seeds
from tests.library.sparse import unpack

LARGEST = 64 << 10


def try_one(raw: bytes) -> None:
    held(unpack(raw))


def mutate(raw: bytes, largest: int, seed: int) -> bytes:
    return mutation.mutated(raw, largest, seed, atheris.Mutate)


def cross(one: bytes, other: bytes, largest: int, seed: int) -> bytes:
    return mutation.crossed(one, other, largest, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, default=Path("var/fuzz"))
    options, more = parser.parse_known_args()
    options.corpus.mkdir(parents=True, exist_ok=True)
    for name, disk in seeds():
        (options.corpus / f"seed-{name}").write_bytes(disk.pack())
    arguments = [
        sys.argv[0], str(options.corpus), f"-max_total_time={options.seconds}",
        f"-max_len={LARGEST}", "-len_control=0", "-timeout=5", "-rss_limit_mb=1024",
        "-print_final_stats=1", "-reload=0", f"-artifact_prefix={options.corpus}/", *more,
    ]  # fmt: skip
    atheris.Setup(arguments, try_one, custom_mutator=mutate, custom_crossover=cross)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
