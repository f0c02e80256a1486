"""Settings, all from the environment with the prefix FABRIC_ (see README, Settings)."""

import base64
import secrets
from pathlib import Path

from fabric_portal import databases, stores
from fabric_portal.env import (
    credential_keys,
    env,
    envbool,
    envint,
    envlist,
    envsecret,
    kept_secret,
    seed,
)
from fabric_portal.logs import configuration

BASE_DIR = Path(__file__).resolve().parent.parent
FABRIC_DATA_DIR = Path(env("DATA_DIR") or BASE_DIR / "var").resolve()
FABRIC_DEMO = envbool("DEMO", False)
DEBUG = envbool("DEBUG", False)


def _secret(name: str, make: str) -> str:
    """A secret from outside; the demo alone makes its own and keeps it in the data folder."""
    given = envsecret(name)
    if given or not FABRIC_DEMO:
        return given
    return kept_secret(FABRIC_DATA_DIR / "secrets" / name.lower(), make)


# Without a key one is made up for this process: enough for `migrate` or `check`, and serve and the
# workers refuse to start with it (fabric_portal.checks).
FABRIC_SECRET_KEY_GIVEN = _secret("SECRET_KEY", secrets.token_urlsafe(50))
SECRET_KEY = FABRIC_SECRET_KEY_GIVEN or secrets.token_urlsafe(50)
SECRET_KEY_FALLBACKS = envlist("SECRET_KEY_FALLBACKS")
# Key id → key, the newest first: that one seals, all of them open.
FABRIC_CREDENTIAL_KEYS = credential_keys(
    _secret("CREDENTIAL_KEYS", "k1:" + base64.b64encode(secrets.token_bytes(32)).decode())
)
# What checkpoints of the log are signed with; without it they aren't.
FABRIC_AUDIT_KEY = seed(
    "AUDIT_KEY", _secret("AUDIT_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
)
FABRIC_METRICS_TOKEN = envsecret("METRICS_TOKEN")

ALLOWED_HOSTS = envlist("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
FABRIC_PUBLIC_URL = env("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# Where hosts fetch content from: by HTTPS, and not through what people sign in by.
FABRIC_CONTENT_URL = env("CONTENT_URL", "https://127.0.0.1:8443").rstrip("/")
FABRIC_CONTENT_CA = env("CONTENT_CA", str(FABRIC_DATA_DIR / "tls" / "ca.pem"))
CSRF_TRUSTED_ORIGINS = [
    url for url in (FABRIC_PUBLIC_URL, *envlist("TRUSTED_ORIGINS")) if "://" in url
]
FABRIC_LAB = env("LAB")
FABRIC_HOST_SESSIONS = envint("HOST_SESSIONS", 10, least=2, most=30)
FABRIC_OBSERVE_SECONDS = envint("OBSERVE_SECONDS", 60, least=5, most=3600)

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
    "fabric_portal",
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
MIDDLEWARE = [
    "apps.common.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # A page of tables is a tenth of its size on the wire. Static files are kept compressed.
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.common.middleware.errors_as_answers",
]
ROOT_URLCONF = "fabric_portal.urls"
ASGI_APPLICATION = "fabric_portal.asgi.application"

_context = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
if (BASE_DIR / "apps" / "common" / "context.py").exists():
    _context.append("apps.common.context.shell")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": _context},
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# ---- data
DATABASES = {"default": databases.from_url(envsecret("DATABASE_URL"), FABRIC_DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FABRIC_REDIS_SOCKET = FABRIC_DATA_DIR / "redis" / "redis.sock"
FABRIC_REDIS_URL = envsecret("REDIS_URL", f"unix://{FABRIC_REDIS_SOCKET}")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# ---- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
FABRIC_TLS = FABRIC_PUBLIC_URL.startswith("https://")
SESSION_COOKIE_NAME = "fabric_session"
SESSION_COOKIE_AGE = envint("SESSION_HOURS", 12, least=1, most=24 * 30) * 3600
SESSION_COOKIE_SECURE = FABRIC_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "fabric_csrf"
CSRF_COOKIE_SECURE = FABRIC_TLS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.common.views.csrf_failure"

# ---- HTTP
FABRIC_BEHIND_PROXY = envbool("BEHIND_PROXY", False)
if FABRIC_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
# A content key is good only from the address of the host it was made for. A proxy hides that.
FABRIC_CONTENT_CHECK_ADDRESS = envbool("CONTENT_CHECK_ADDRESS", not FABRIC_BEHIND_PROXY)
FABRIC_CONTENT_MIB_PER_SECOND = envint("CONTENT_MIB_PER_SECOND", 0, most=1_000_000)
# How old the last reading of a file may be before it is read again; 0: never by the clock.
FABRIC_SCRUB_DAYS = envint("SCRUB_DAYS", 30, most=3650)
SECURE_HSTS_SECONDS = envint("HSTS_SECONDS", 0, most=63_072_000)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Ours alone: what packages bring for their own admin pages isn't used.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_ROOT = FABRIC_DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "fabric_portal.storage.HashedStaticFiles"
        )
    },
}
MEDIA_ROOT = FABRIC_DATA_DIR / "media"
# What tenants bring: a folder, or a bucket of a service that speaks S3.
STORAGES["library"] = stores.library(FABRIC_DATA_DIR / "library")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.TokenAuthentication",
        "apps.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.api.parsers.ObjectParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.common.api.pagination.Pagination",
    "DEFAULT_FILTER_BACKENDS": ["apps.common.api.filters.FilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.common.api.exceptions.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fabric Portal",
    "DESCRIPTION": "Clusters, hosts, virtual machines, attestation, library, operations, audit.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SORT_OPERATIONS": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["apps.common.api.schema.add_what_is_served_beside"],
}

# ---- time and words
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING = configuration(env("LOG_LEVEL", "INFO").upper(), json=envbool("LOG_JSON", False))
