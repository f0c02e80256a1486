"""Settings, all from the environment with the prefix FABRIC_ (see README, Settings)."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
FABRIC_DATA_DIR = Path(os.environ.get("FABRIC_DATA_DIR", BASE_DIR / "var")).resolve()
SECRET_KEY = os.environ.get("FABRIC_SECRET_KEY", "only-until-the-platform-lands")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "apps.common",
    "apps.audit",
    "apps.remoting",
    "apps.accounts",
    "apps.operations",
    "apps.fabric",
    "apps.attestation",
    "apps.library",
    "apps.vms",
    "apps.console",
    "apps.lab",
]
ROOT_URLCONF = "fabric_portal.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FABRIC_DATA_DIR / "fabric.sqlite3"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
