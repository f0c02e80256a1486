"""Where a password link leads. Its key stands behind the `#`, which no browser sends: it is in no
log of a server or a proxy on the way.
"""

from django.conf import settings
from django.urls import reverse


def address_of(key: str) -> str:
    return f"{settings.FABRIC_PUBLIC_URL.rstrip('/')}{reverse('accounts:choose_password')}#{key}"
