"""Settings of the tests: the portal's own, with a data folder, secrets and a Redis of their own."""

import atexit
import base64
import os
import shutil
import tempfile

DATA_DIR = tempfile.mkdtemp(prefix="fabric-tests-")
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith("FABRIC_")]:
    if _name not in ("FABRIC_DATABASE_URL", "FABRIC_PWSH"):
        del os.environ[_name]
os.environ |= {
    "FABRIC_DATA_DIR": DATA_DIR,
    "FABRIC_SECRET_KEY": "a key for tests only, long enough to be taken for a real one",
    "FABRIC_CREDENTIAL_KEYS": "test:" + base64.b64encode(bytes(range(32))).decode(),
    "FABRIC_ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "FABRIC_LOG_LEVEL": "WARNING",
}

from fabric_portal.settings import *  # noqa: E402, F403

STATIC_ROOT.mkdir()  # noqa: F405
# Static files are served as they lie in the tree, under their own names.
WHITENOISE_USE_FINDERS = True
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}

# Hashing a password well takes a tenth of a second on purpose; every test signs somebody in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
