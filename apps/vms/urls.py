from django.urls import include, path

from apps.vms.views import actions, home, listing, machine, search

pages = [
    path("home/", home.tenant_home, name="home"),
    path("search/", search.search, name="search"),
    path("virtual-machines/", listing.virtual_machines, name="list"),
    path("virtual-machines/columns/", listing.choose_columns, name="columns"),
    path("virtual-machines/commands/", listing.commands, name="commands"),
    path("virtual-machines/act/<slug:verb>/", actions.act_on_many, name="act"),
    path("virtual-machines/<uuid:pk>/", machine.virtual_machine, name="detail"),
    path("virtual-machines/<uuid:pk>/row/", listing.row, name="row"),
    path("virtual-machines/<uuid:pk>/move/", machine.move, name="move"),
    path("virtual-machines/<uuid:pk>/settings/", machine.settings, name="settings"),
    path("virtual-machines/<uuid:pk>/delete/", machine.delete, name="delete"),
    path("virtual-machines/<uuid:pk>/checkpoints/", machine.checkpoint, name="checkpoint"),
    path(
        "virtual-machines/<uuid:pk>/checkpoints/<slug:checkpoint>/<slug:verb>/",
        machine.checkpoint_change,
        name="checkpoint-change",
    ),
]
urlpatterns = [
    path("", include((pages, "vms"))),
    path("", include("apps.vms.deployments.urls")),
]
