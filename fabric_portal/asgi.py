"""The ASGI application: Django, and beside it what streams and so would waste Django's threads."""

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

from fabric_portal.mounts import Mounts
from fabric_portal.rooms import brings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabric_portal.settings")

application = Mounts(get_asgi_application())
# The app registry has to be loaded before these are imported, so they are named and not imported
# above.
for _prefix, _module, _websocket in (
    ("/api/v1/uploads/", "apps.library.tus.asgi", False),
    ("/content/", "apps.library.content_asgi", False),
    ("/api/v1/events/", "apps.operations.asgi", False),
    ("/console/", "apps.console.asgi", True),
):
    if brings(_module):
        application.mount(_prefix, import_module(_module).application, websocket=_websocket)
