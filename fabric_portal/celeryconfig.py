"""Celery's own settings. Read when the app is first used, after Django's."""

from django.conf import settings
from kombu import Queue

from fabric_portal.schedule import SCHEDULE

# Kombu calls a Redis server on a unix socket redis+socket://.
broker_url = settings.FABRIC_REDIS_URL.replace("unix://", "redis+socket://", 1)
broker_connection_retry_on_startup = True
# A worker that dies with a task in hand has it delivered again after this; the reaper is quicker.
broker_transport_options = {
    "visibility_timeout": 3600,
    "socket_timeout": 10,
    "health_check_interval": 25,
}
task_queues = [Queue("operations"), Queue("observations")]
task_default_queue = "operations"
task_acks_late = True
task_reject_on_worker_lost = True
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
result_backend = None
worker_prefetch_multiplier = 1
worker_send_task_events = False
worker_hijack_root_logger = False
worker_redirect_stdouts = False
timezone = "UTC"
beat_schedule = SCHEDULE
beat_schedule_filename = str(settings.FABRIC_DATA_DIR / "celerybeat-schedule")
