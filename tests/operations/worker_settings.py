"""Settings of a process that a test starts: the portal's own, on the database of the test run."""

import os

from fabric_portal.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ["TEST_RUN_DATABASE"]  # noqa: F405
