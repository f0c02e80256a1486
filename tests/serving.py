"""The portal behind a real socket, in a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.waiting import wait_for


@contextmanager
def served(*, cut: bool = False, **more: Any) -> Iterator[int]:
    """The portal's ASGI application on a free port. With `cut` it ends without waiting for what
    is still open.
    """
    from fabric_portal.asgi import application

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_config=None, ws="none", lifespan="off", **more)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    wait_for(lambda: server.started, "the server")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        server.force_exit = cut
        thread.join()
        listener.close()
