"""Celery: two queues, ids only, no results. A task that is lost is sent again by the reaper."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutting_down

from fabric_portal import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabric_portal.settings")

broker.install()
app = Celery("fabric_portal")
app.config_from_object("fabric_portal.celeryconfig")
app.autodiscover_tasks()


@worker_init.connect
def refuse_without_secrets(**more: Any) -> None:
    from fabric_portal import checks

    checks.refuse_without_secrets()


@worker_ready.connect
def say_so(sender: Any, **more: Any) -> None:
    from apps.common import heartbeats

    silence = heartbeats.keep_saying(sender.hostname)
    worker_shutting_down.connect(lambda **_: silence.set(), weak=False)
