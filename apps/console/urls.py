from django.urls import path

from apps.console import views

app_name = "console"
urlpatterns = [
    path("console/<str:token>.rdp", views.rdp_file, name="rdp"),
    path("virtual-machines/<uuid:pk>/console/", views.console, name="page"),
]
