"""What all tests share: a Redis server of the session's own, people, and their clients."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from fabric_portal import redis_server
from tests.people import People
from tests.waiting import wait_for

pytest_plugins = [name for name in ("tests.lab.fixtures",) if find_spec(name) is not None]


@pytest.fixture(scope="session", autouse=True)
def redis_for_the_session() -> Iterator[None]:
    """A real server on the test data folder's socket."""
    from apps.common.redis import client

    server = redis_server.start(Path(settings.FABRIC_REDIS_SOCKET))
    wait_for(Path(settings.FABRIC_REDIS_SOCKET).exists, "the Redis server's socket")
    yield
    client().close()
    server.terminate()
    server.wait()


@pytest.fixture(autouse=True)
def empty_redis(redis_for_the_session: None) -> None:
    from apps.common.redis import client

    client().flushdb()


@pytest.fixture
def people(db: None) -> People:
    """The five of the demo: `people.admin`, `.guardian`, `.contoso`, `.fabrikam`, `.auditor`."""
    return People()


@pytest.fixture
def admin(people: People) -> User:
    return people.admin


@pytest.fixture
def guardian(people: People) -> User:
    return people.guardian


@pytest.fixture
def contoso(people: People) -> User:
    return people.contoso


@pytest.fixture
def fabrikam(people: People) -> User:
    return people.fabrikam


@pytest.fixture
def auditor(people: People) -> User:
    return people.auditor


def api_client(user: User | None) -> APIClient:
    """A client of the API that is signed in as the person (None: nobody)."""
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    return client


@pytest.fixture
def admin_api(admin: User) -> APIClient:
    return api_client(admin)


@pytest.fixture
def guardian_api(guardian: User) -> APIClient:
    return api_client(guardian)


@pytest.fixture
def contoso_api(contoso: User) -> APIClient:
    return api_client(contoso)


@pytest.fixture
def fabrikam_api(fabrikam: User) -> APIClient:
    return api_client(fabrikam)


@pytest.fixture
def auditor_api(auditor: User) -> APIClient:
    return api_client(auditor)


@pytest.fixture
def anonymous_api() -> APIClient:
    return api_client(None)
