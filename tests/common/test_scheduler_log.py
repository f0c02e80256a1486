"""What the scheduler says while Redis is away: one line, and nothing less about its own faults."""

import logging

import pytest
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import schedule
from redis.exceptions import ConnectionError as RedisGone

from fabric_portal.celery import app
from fabric_portal.logs import BrokerAway, configuration


class Failing(Scheduler):
    problem: Exception

    def apply_async(self, entry: ScheduleEntry, **more: object) -> None:
        try:
            raise self.problem
        except Exception as problem:
            raise SchedulingError(f"Couldn't apply {entry.name}: {problem}") from problem


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> object:
    logger, kept = logging.getLogger("celery.beat"), BrokerAway()
    logger.addFilter(kept)

    def tell(problem: Exception) -> logging.LogRecord:
        scheduler = Failing(app=app, lazy=True)
        scheduler.problem = problem
        scheduler.apply_entry(ScheduleEntry("x", "library.sweep", schedule=schedule(15), app=app))
        return caplog.records[-1]

    yield tell
    logger.removeFilter(kept)


def test_a_broker_that_is_away_is_one_line(told) -> None:
    record = told(RedisGone("Connection refused."))

    assert record.getMessage() == "Couldn't apply x: Connection refused."
    assert record.exc_info is None


def test_a_fault_of_the_portal_keeps_its_stack(told) -> None:
    assert told(TypeError("no such thing")).exc_info is not None


def test_the_scheduler_is_told_so() -> None:
    assert configuration("INFO", json=False)["loggers"]["celery.beat"]["filters"] == ["broker-away"]
