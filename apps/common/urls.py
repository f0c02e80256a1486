from django.urls import path

from apps.common import health, views

app_name = "common"
urlpatterns = [
    path("health/live/", health.live, name="health_live"),
    path("health/ready/", health.ready, name="health_ready"),
    path("problems/<slug:slug>/", views.problem_page, name="problem"),
    path("problems/<slug:slug>", views.problem_page),
]
