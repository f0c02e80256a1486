"""Routes below /api/v1/, included by the room's own."""

from rest_framework.routers import SimpleRouter

from apps.vms.deployments.api.views import DeploymentViewSet

router = SimpleRouter()
router.register("deployments", DeploymentViewSet, "deployment")
urlpatterns = router.urls
