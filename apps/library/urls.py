from django.urls import path

from apps.library import views

app_name = "library"
urlpatterns = [
    path("library/", views.library, name="list"),
    path("library/uploads/", views.uploads_part, name="uploads"),
    path("library/uploads/<uuid:pk>/stop/", views.stop_upload, name="stop_upload"),
    path("library/uploads/<uuid:pk>/verify/", views.verify_upload, name="verify_upload"),
    path("library/pairs/<uuid:pk>/", views.pair, name="pair"),
    path("library/template-disks/<uuid:pk>/", views.template_disk, name="disk"),
    path("library/template-disks/<uuid:pk>/delete/", views.delete_disk, name="delete_disk"),
    path("library/shielding-data/<uuid:pk>/", views.shielding_data, name="shielding_data"),
    path("library/template-disks/<uuid:pk>/inspect/", views.inspect_disk, name="inspect_disk"),
    path(
        "library/shielding-data/<uuid:pk>/inspect/",
        views.inspect_shielding_data,
        name="inspect_shielding_data",
    ),
    path("library/template-disks/<uuid:pk>/verify/", views.verify_disk, name="verify_disk"),
    path(
        "library/shielding-data/<uuid:pk>/verify/",
        views.verify_shielding_data,
        name="verify_shielding_data",
    ),
    path(
        "library/shielding-data/<uuid:pk>/delete/",
        views.delete_shielding_data,
        name="delete_shielding_data",
    ),
]
