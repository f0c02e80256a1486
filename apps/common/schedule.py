"""Answers kept for repeated requests are swept every hour."""

SCHEDULE = {
    "common.sweep-answers": {
        "task": "common.sweep_answers",
        "schedule": 3600,
        "options": {"queue": "observations", "expires": 3600},
    }
}
