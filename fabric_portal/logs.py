"""What is logged, and what never is."""

import json
import logging
import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SECRET = re.compile(
    r"(fp_)[A-Za-z0-9_-]{20,}"
    r"|((?:password|passphrase|secret|authorization|cookie)[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text with what looks like a token or a password taken out."""
    return SECRET.sub(lambda found: f"{found.group(1) or found.group(2)}[redacted]", text)


class Redacted(logging.Formatter):
    """A line without secrets: the message, its arguments and the traceback are all looked
    through.
    """

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class RedactedJson(logging.Formatter):
    """One JSON object a line, for machines that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line)


class BrokerAway(logging.Filter):
    """The scheduler tells of a broker that is away by two stacks; its next turn comes by itself,
    and one line says as much.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        problem = record.exc_info[1] if record.exc_info else None
        if _is_broker_away(problem):
            record.msg, record.args, record.exc_info = "%s", (problem,), None
        return True


def _is_broker_away(problem: BaseException | None) -> bool:
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        if isinstance(problem, OperationalError | RedisError | OSError):
            return True
        seen.add(id(problem))
        problem = problem.__cause__ or problem.__context__
    return False


def configuration(level: str, *, json: bool) -> dict[str, Any]:
    if level not in LEVELS:
        raise ImproperlyConfigured(f"FABRIC_LOG_LEVEL has to be one of {', '.join(LEVELS)}.")
    form = "json" if json else "plain"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": Redacted, "format": "{levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": RedactedJson},
        },
        "filters": {"broker-away": {"()": BrokerAway}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "uvicorn": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
            "celery.beat": {"filters": ["broker-away"]},
        },
    }
