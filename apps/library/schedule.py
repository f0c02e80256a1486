"""The library's clock: what waits for a host, for a worker, or for nothing any more."""

SCHEDULE = {
    "library.sweep": {
        "task": "library.sweep",
        "schedule": 15,
        "options": {"queue": "observations", "expires": 30},
    },
    "library.tidy": {
        "task": "library.tidy",
        "schedule": 6 * 3600,
        "options": {"queue": "observations", "expires": 3600},
    },
}
