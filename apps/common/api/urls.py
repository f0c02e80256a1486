from django.urls import path

from apps.common.api.documents import SchemaView

urlpatterns = [path("schema/", SchemaView.as_view(), name="schema")]
