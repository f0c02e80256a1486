"""Signed notes, as C2SP's signed-note and tlog-checkpoint describe them.

A checkpoint's text has three lines: who keeps the log, how many entries, the root in base64. After
an empty line comes the signature: "— name base64(key hash, Ed25519 signature)".
"""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"


@dataclass(frozen=True)
class Signer:
    """The log's key. Its name comes from the key: it is the same whatever the portal is called."""

    key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed: bytes) -> "Signer":
        """`seed`: the 32 bytes of an Ed25519 private key. Raises ValueError for other lengths."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def name(self) -> str:
        return f"fabric-portal/{hashlib.sha256(self.public).hexdigest()[:12]}"

    @property
    def key_hash(self) -> bytes:
        named = self.name.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(named).digest()[:4]

    @property
    def verifier_key(self) -> str:
        """What somebody needs to check a note: name, key hash and key in one line."""
        key = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.key_hash.hex()}+{key}"

    def checkpoint(self, size: int, root: bytes) -> str:
        """A signed note of a tree."""
        text = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_hash + self.key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"
