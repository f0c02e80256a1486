"""The reaper's clock. It has the short queue: the long one may be full of what it has to end."""

SCHEDULE = {
    "operations.reap": {
        "task": "operations.reap",
        "schedule": 15,
        "options": {"queue": "observations", "expires": 60},
    }
}
