from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.accounts.api import views

router = SimpleRouter()
router.register("tenants", views.TenantViewSet, basename="tenant")
router.register("users", views.UserViewSet, basename="user")
router.register("tokens", views.TokenViewSet, basename="token")
urlpatterns = [path("me/", views.MeView.as_view(), name="me"), *router.urls]
