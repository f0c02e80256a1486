from django.urls import path

from apps.common import views

app_name = "common"
urlpatterns = [
    path("problems/<slug:slug>/", views.problem_page, name="problem"),
    path("problems/<slug:slug>", views.problem_page),
]
