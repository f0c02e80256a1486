"""Every cluster is read again and again, by the clock."""

from django.conf import settings

SCHEDULE = {
    "fabric.observe": {
        "task": "fabric.observe",
        "schedule": settings.FABRIC_OBSERVE_SECONDS,
        "options": {"queue": "observations", "expires": settings.FABRIC_OBSERVE_SECONDS},
    }
}
