"""A demo for each file of stories that asks for one, with a Redis that can be killed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import RedisServer
from tests.story import demo as demos
from tests.story.people import Person


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(Path(f"/tmp/fabric-redis-{os.getpid()}.sock"))  # noqa: S108
    yield running
    running.kill()
    running.socket.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def demo(redis: RedisServer) -> Iterator[demos.Demo]:
    running = demos.start(FABRIC_REDIS_URL=redis.url)
    yield running
    running.stop()
    log = Path(running.log.name).read_text()
    assert "Traceback" not in log, log  # whatever happened was met, and said in a line
    shutil.rmtree(running.folder.parent, ignore_errors=True)


@pytest.fixture
def admin(demo: demos.Demo) -> Person:
    return Person(demo, "admin")
