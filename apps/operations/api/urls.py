"""Addresses below /api/v1/; the event stream is served beside Django (see asgi)."""

from rest_framework.routers import SimpleRouter

from apps.operations import stream_schema
from apps.operations.api.views import OperationViewSet

router = SimpleRouter()
router.register("operations", OperationViewSet, "operation")
urlpatterns = router.urls

stream_schema.describe()
