from django.urls import path

from apps.vms.deployments import views

app_name = "deployments"
urlpatterns = [
    path("deployments/", views.deployments, name="list"),
    path("deployments/new/", views.new, name="new"),
    path("deployments/new/fields/", views.fields, name="fields"),
    path("deployments/new/preflight/", views.preflight, name="preflight"),
    path("deployments/<uuid:pk>/", views.deployment, name="detail"),
    path("deployments/<uuid:pk>/row/", views.row, name="row"),
    path("deployments/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("deployments/<uuid:pk>/retry/", views.retry, name="retry"),
    path("deployments/<uuid:pk>/clean-up/", views.clean_up, name="clean-up"),
]
