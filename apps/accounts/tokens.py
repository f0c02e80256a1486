"""API keys: `fp_` and 40 characters that a URL can hold. 240 bits, so a plain digest is enough."""

import hashlib
import secrets

PREFIX = "fp_"


def make_key() -> str:
    return PREFIX + secrets.token_urlsafe(30)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
