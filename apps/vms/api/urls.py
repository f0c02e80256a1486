from rest_framework.routers import SimpleRouter

from apps.vms.api.views import VirtualMachineViewSet
from apps.vms.deployments.api import urls as deployments

router = SimpleRouter(use_regex_path=True)
router.register("virtual-machines", VirtualMachineViewSet, "virtual-machine")
urlpatterns = [*router.urls, *deployments.urlpatterns]
