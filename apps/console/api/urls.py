from django.urls import path

from apps.console.api.views import ConsoleView

urlpatterns = [
    path(
        "virtual-machines/<uuid:pk>/console/", ConsoleView.as_view(), name="virtual-machine-console"
    )
]
