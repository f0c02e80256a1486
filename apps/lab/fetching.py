"""A host's HTTP client: fetches from the portal, from the host's own address, with Range."""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

PIECE = 1 << 20
SECONDS = 60.0
_WORDS = {404: "Not Found", 403: "Forbidden", 410: "Gone"}


class FetchProblem(Exception):
    """In .NET's words. `status` is the HTTP status that was answered, 0 where none was."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def trust(ca_certificate: str, authority: Path | None) -> ssl.SSLContext:
    """What a host trusts: the authority that it is told (PEM); else those of the machine and the
    one in the file `authority`, where it exists.
    """
    if ca_certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ca_certificate)
        return context
    context = ssl.create_default_context()
    if authority is not None and authority.is_file():
        context.load_verify_locations(cafile=str(authority))
    return context


def fetch(
    url: str,
    part: Path,
    size: int,
    *,
    source_address: str,
    context: Callable[[], ssl.SSLContext],
    on_piece: Callable[[int], None],
) -> None:
    """Goes on with `part` until it has `size` bytes or the portal sends no more.

    `on_piece` is called with the length so far; what it raises ends the fetch. Raises FetchProblem.
    """
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchProblem(
                "The process cannot access the file because it is being used by another process."
            ) from None
        connection = _connection(urlsplit(url), source_address, context)
        try:
            _receive(connection, urlsplit(url), file.fileno(), size, on_piece)
        finally:
            connection.close()


def _connection(
    url: SplitResult, source_address: str, context: Callable[[], ssl.SSLContext]
) -> http.client.HTTPConnection:
    host, port = url.hostname or "", url.port
    source = (source_address, 0) if _is_local(host) else None
    if url.scheme == "https":
        return http.client.HTTPSConnection(
            host, port, timeout=SECONDS, source_address=source, context=context()
        )
    return http.client.HTTPConnection(host, port, timeout=SECONDS, source_address=source)


def _is_local(host: str) -> bool:
    """Whether a loopback address can speak to it: to this machine's own addresses only."""
    try:
        address = socket.gethostbyname(host)
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _receive(
    connection: http.client.HTTPConnection,
    url: SplitResult,
    file: int,
    size: int,
    on_piece: Callable[[int], None],
) -> None:
    done = os.fstat(file).st_size
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("GET", path, headers={"Range": f"bytes={done}-"} if done else {})
        answer = connection.getresponse()
        if answer.status not in (200, 206):
            reason = _WORDS.get(answer.status, answer.reason)
            raise FetchProblem(
                f"The remote server returned an error: ({answer.status}) {reason}.", answer.status
            )
        if answer.status == 200:
            os.ftruncate(file, 0)
            done = 0
        while done < size and (piece := answer.read(min(PIECE, size - done))):
            os.write(file, piece)
            done += len(piece)
            on_piece(done)
        if answer.length:  # bytes that were announced and did not come
            raise FetchProblem(
                "Unable to read data from the transport connection: The connection was closed."
            )
    except ssl.SSLError as problem:
        raise FetchProblem(
            "The underlying connection was closed: Could not establish trust relationship for the "
            f"SSL/TLS secure channel. ({problem.reason or problem})"
        ) from None
    except (OSError, http.client.HTTPException) as problem:
        words = problem.strerror if isinstance(problem, OSError) else None
        raise FetchProblem(
            f"Unable to connect to the remote server: {words or type(problem).__name__}"
        ) from None
