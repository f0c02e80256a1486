"""What a call to a host costs: warm sessions beside a fresh PowerShell a call and plain pywinrm."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import winrm

from apps.remoting import Endpoint, call, scripts
from apps.remoting.pool import Pool
from benchmarks.clients import say
from benchmarks.far_end import PASSWORD, address

THREADS = 8
NAIVE_HOSTS = 200
ROUNDS = 3
SCRIPT = scripts.from_text("Get-Answer", "param()\n'{}'\n")
WAYS = (("http", "ntlm"), ("https", "ntlm"), ("https", "basic"))
One = Callable[[int], Any]


@contextlib.contextmanager
def far_end(hosts: int, start_ms: float = 0) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.far_end"]
    command += ["--hosts", str(hosts), "--start-ms", str(start_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the far end was started without pipes")
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait()


def calling(hosts: int) -> None:
    """A refresh of many hosts by one worker, 20 kB of JSON each."""
    say(f"{'call of 20 kB':<44}{'hosts/s':>9}{'client CPU ms':>15}")
    with far_end(hosts) as end:
        for scheme, transport in WAYS:
            name = f"{transport} {scheme}"
            naive = _measured(
                f"pywinrm run_ps, {name}", _naive(end, scheme, transport), NAIVE_HOSTS
            )
            pool = Pool()
            warm = _ours(end, scheme, transport, pool)
            _measured(f"first call, {name}", warm, hosts)
            best = max(_measured(f"warm call, {name}", warm, hosts) for _ in range(ROUNDS))
            say(f"{'':<44}{best / naive:>8.1f}x")
            pool.close(60)


def starting_powershell(start_ms: float = 700, hosts: int = 32) -> None:
    """With the time that Windows takes to start PowerShell: kept, and started for each call."""
    say(f"\n{f'PowerShell starts in {start_ms:g} ms':<44}{'hosts/s':>9}{'client CPU ms':>15}")
    with far_end(hosts, start_ms) as end:
        for keeps, words in ((False, "a fresh PowerShell a call"), (True, "warm sessions")):
            pool = Pool()
            one = _ours(end, "http", "ntlm", pool, keeps_powershell=keeps)
            if keeps:
                _measured("first call, sessions opened", one, hosts)
            _measured(words, one, hosts)
            pool.close(60)


def _ours(end: dict[str, Any], scheme: str, transport: str, pool: Pool, **more: Any) -> One:
    def one(number: int) -> Any:
        endpoint = Endpoint(
            address(number), end[scheme], scheme == "https", transport, "BENCH\\portal", PASSWORD,
            end["ca"] if scheme == "https" else "", **more,
        )  # fmt: skip
        return call(endpoint, SCRIPT, pool=pool)

    return one


def _naive(end: dict[str, Any], scheme: str, transport: str) -> One:
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(end["ca"])

    def one(number: int) -> Any:
        session = winrm.Session(
            f"{scheme}://{address(number)}:{end[scheme]}/wsman",
            auth=("BENCH\\portal", PASSWORD),
            transport="ssl" if transport == "basic" else transport,
            ca_trust_path=file.name,
        )
        answer = session.run_ps(SCRIPT.text)
        return json.loads(answer.std_out)

    return one


def _measured(words: str, one: One, hosts: int) -> float:
    """Calls every host once from several threads; hosts a second.

    Each thread takes the next host by itself: a thread that waits for every single answer, and is
    woken by it, would cost more than the calls.
    """
    numbers = iter(range(hosts))

    def some() -> None:
        for number in numbers:
            if not one(number)["vms"]:
                raise RuntimeError(f"{words}: an answer without rows")

    begun, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as threads:
        asked = [threads.submit(some) for _ in range(THREADS)]
    for each in asked:
        each.result()
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    say(f"{words:<44}{hosts / seconds:>9.0f}{busy / hosts * 1000:>15.2f}")
    return hosts / seconds


if __name__ == "__main__":
    calling(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    starting_powershell()
