"""The log is signed every few minutes, and read again every night."""

from celery.schedules import crontab

SCHEDULE = {
    "audit.keep-checkpoint": {
        "task": "audit.keep_checkpoint",
        "schedule": 300,
        "options": {"queue": "observations", "expires": 300},
    },
    "audit.verify": {
        "task": "audit.verify",
        "schedule": crontab(hour=3, minute=17),
        "options": {"queue": "observations", "expires": 3600},
    },
}
