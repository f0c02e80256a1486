from django.urls import path

from apps.operations import views

app_name = "operations"
urlpatterns = [
    path("activity/", views.operation_list, name="operation_list"),
    path("activity/bell/", views.bell, name="bell"),
    path("activity/count/", views.bell_count, name="bell_count"),
    path("activity/<uuid:pk>/", views.operation_detail, name="operation_detail"),
    path("activity/<uuid:pk>/row/", views.operation_row, name="operation_row"),
    path("activity/<uuid:pk>/cancel/", views.operation_cancel, name="operation_cancel"),
    path("activity/<uuid:pk>/retry/", views.operation_retry, name="operation_retry"),
]
