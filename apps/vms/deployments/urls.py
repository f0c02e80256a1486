from django.urls import path

from apps.vms.deployments import views
from apps.vms.deployments.batch import views as batch

app_name = "deployments"
urlpatterns = [
    path("deployments/", views.deployments, name="list"),
    path("deployments/new/", views.new, name="new"),
    path("deployments/new/fields/", views.fields, name="fields"),
    path("deployments/new/preflight/", views.preflight, name="preflight"),
    path("deployments/batch/new/", batch.new, name="batch-new"),
    path("deployments/batch/<uuid:pk>/", batch.batch, name="batch"),
    path("deployments/batch/<uuid:pk>/results/", batch.table_of_results, name="batch-results"),
    path("deployments/batch/<uuid:pk>/cancel/", batch.cancel, name="batch-cancel"),
    path("deployments/batch/<uuid:pk>/retry/", batch.retry, name="batch-retry"),
    path("deployments/<uuid:pk>/", views.deployment, name="detail"),
    path("deployments/<uuid:pk>/row/", views.row, name="row"),
    path("deployments/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("deployments/<uuid:pk>/retry/", views.retry, name="retry"),
    path("deployments/<uuid:pk>/retry-elsewhere/", views.retry_elsewhere, name="retry-elsewhere"),
    path("deployments/<uuid:pk>/clean-up/", views.clean_up, name="clean-up"),
]
