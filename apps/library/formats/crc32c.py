"""CRC-32C (Castagnoli), which guards every structure of a VHDX ([MS-VHDX] 2.2)."""


def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


TABLE = _table()


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def guarded(data: bytes, at: int = 4) -> bool:
    """Whether the checksum at offset `at` fits the structure, itself counted as zero."""
    expected = int.from_bytes(data[at : at + 4], "little")
    return crc32c(data[:at] + b"\0\0\0\0" + data[at + 4 :]) == expected
