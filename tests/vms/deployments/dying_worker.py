"""A worker that is killed while it writes the event of a given number.

`python -m tests.vms.deployments.dying_worker <operation> <number>`
"""

import os
import signal
import sys
from typing import Any

import django

django.setup()

from django.db.models.signals import post_save  # noqa: E402

from apps.operations import execution  # noqa: E402
from apps.operations.models import OperationEvent  # noqa: E402


def die(instance: OperationEvent, **more: Any) -> None:
    if instance.seq >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)


post_save.connect(die, sender=OperationEvent)
execution.execute(sys.argv[1])
