"""Routes below /api/v1/, included by the room's own."""

from rest_framework.routers import SimpleRouter

from apps.vms.deployments.api.views import DeploymentViewSet
from apps.vms.deployments.batch.api.views import BatchViewSet

router = SimpleRouter()
# First, as “batch” would be taken for a deployment's id.
router.register("deployments/batch", BatchViewSet, "deployment-batch")
router.register("deployments", DeploymentViewSet, "deployment")
urlpatterns = router.urls
