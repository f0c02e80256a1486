"""The database that FABRIC_DATABASE_URL names, or SQLite in the data folder."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Readers never wait for the writer (WAL); a writer takes the lock when its transaction begins, so
# that two of them queue for it instead of failing when both have read and want to write.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;"
    ),
}
POSTGRES_OPTIONS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"})


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": SQLITE_OPTIONS,
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def from_url(url: str, data_dir: Path) -> dict[str, Any]:
    """`postgres://user:password@host:port/name?sslmode=…`, or `sqlite:///path`; empty is SQLite."""
    if not url:
        return sqlite(data_dir / "fabric.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path)))
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            "FABRIC_DATABASE_URL has to begin with postgres:// or sqlite://."
        )
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("FABRIC_DATABASE_URL has a port that is none.") from None
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", "") or unquote(parts.hostname or "")
    unknown = sorted(set(query) - POSTGRES_OPTIONS)
    if unknown:
        raise ImproperlyConfigured(f"FABRIC_DATABASE_URL: unknown options {', '.join(unknown)}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port or "",
        # Under ASGI each request has a thread of its own, whose connection nobody would use again.
        "CONN_MAX_AGE": 0,
        "OPTIONS": query,
    }
