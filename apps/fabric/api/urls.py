"""Addresses below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.fabric.api import views

router = SimpleRouter()
router.register("clusters", views.ClusterViewSet, "cluster")
router.register("hosts", views.HostViewSet, "host")
router.register("volumes", views.VolumeViewSet, "volume")
router.register("virtual-switches", views.VirtualSwitchViewSet, "virtual-switch")
router.register("health-faults", views.HealthFaultViewSet, "health-fault")
urlpatterns = router.urls
