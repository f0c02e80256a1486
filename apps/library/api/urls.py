from rest_framework.routers import SimpleRouter

from apps.library.api import views

router = SimpleRouter()
router.register("uploads", views.UploadViewSet, basename="upload")
router.register("template-disks", views.TemplateDiskViewSet, basename="template-disk")
router.register("shielding-data", views.ShieldingDataViewSet, basename="shielding-data")
router.register("library/pairs", views.PairViewSet, basename="pair")
urlpatterns = router.urls
