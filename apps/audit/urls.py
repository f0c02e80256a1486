from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.entry_list, name="entry_list"),
    path("audit/entries/<int:index>/", views.entry_detail, name="entry_detail"),
    path("audit/verify/", views.verify, name="verify"),
    path("audit/verifier/", views.verifier, name="verifier"),
]
