"""Fabric Portal: settings, addresses, processes. It wires everything and decides nothing."""

from fabric_portal.celery import app as celery_app

__all__ = ["celery_app"]
