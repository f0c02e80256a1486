"""CRC-32C (Castagnoli), which guards the structures of a VHDX. zlib has another polynomial."""


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


TABLE = _table()


def crc32c(content: bytes) -> int:
    table, value = TABLE, 0xFFFFFFFF
    for byte in content:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def sealed(content: bytes) -> bool:
    """Whether a structure's checksum (the u32 at 4) is right, counted with that field zeroed."""
    stated = int.from_bytes(content[4:8], "little")
    return crc32c(content[:4] + bytes(4) + content[8:]) == stated
