from django.urls import path

from apps.fabric.views import cluster, hosts, overview

app_name = "fabric"
urlpatterns = [
    path("", overview.front, name="front"),
    path("overview/", overview.overview, name="overview"),
    path("clusters/", overview.clusters, name="clusters"),
    path("clusters/add/", cluster.add, name="cluster_add"),
    path("clusters/<uuid:pk>/", cluster.cluster, name="cluster"),
    path("clusters/<uuid:pk>/edit/", cluster.edit, name="cluster_edit"),
    path("clusters/<uuid:pk>/refresh/", cluster.refresh, name="cluster_refresh"),
    path("clusters/<uuid:pk>/remove/", cluster.remove, name="cluster_remove"),
    path("hosts/", hosts.hosts, name="hosts"),
    path("hosts/<uuid:pk>/", hosts.host, name="host"),
    path("hosts/<uuid:pk>/row/", hosts.host_row, name="host_row"),
    path("hosts/<uuid:pk>/drain/", hosts.drain, name="host_drain"),
    path("hosts/<uuid:pk>/resume/", hosts.resume, name="host_resume"),
    path("volumes/", hosts.volumes, name="volumes"),
]
