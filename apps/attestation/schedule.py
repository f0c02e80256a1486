"""Guardian services change seldom: their metadata is read every ten minutes."""

SCHEDULE = {
    "attestation.observe": {
        "task": "attestation.observe",
        "schedule": 600,
        "options": {"queue": "observations", "expires": 300},
    }
}
