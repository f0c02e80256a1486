from rest_framework.routers import SimpleRouter

from apps.vms.api.views import VirtualMachineViewSet

router = SimpleRouter(use_regex_path=True)
router.register("virtual-machines", VirtualMachineViewSet, "virtual-machine")
urlpatterns = router.urls
