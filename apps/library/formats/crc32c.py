"""CRC-32C (Castagnoli), which guards the structures of a VHDX. zlib has another polynomial."""

import google_crc32c


def sealed(content: bytes) -> bool:
    """Whether a structure's checksum (the u32 at 4) is right, counted with that field zeroed."""
    stated = int.from_bytes(content[4:8], "little")
    return google_crc32c.value(content[:4] + bytes(4) + content[8:]) == stated
