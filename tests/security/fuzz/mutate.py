"""Mutate inputs by a few bytes, without knowledge of their format."""

from __future__ import annotations

import random
import struct
import zlib

EDGES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1)
WORDS = (b"\0", b"\n", b",", b'"', b"../", b"=cmd|", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"NaN",
         b"1e999", b"-1", b"{", b"[", b"[" * 3000, b"\\ud800", b"'|O'", b"(4000000000,)",
         "\u202e".encode())  # fmt: skip
MAX_BYTES = 1 << 18


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return ``data`` with one to eight changes; pieces of ``others`` are spliced in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        _change(changed, others, rng)
    if changed[:4] == b"\x89PNG" and rng.random() < 0.75:
        _repair_png(changed)
    return bytes(changed[:MAX_BYTES])


def _change(data: bytearray, others: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(7)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and at < len(data):
        data[at] = rng.randrange(256)
    elif kind == 2:
        width, order = rng.choice("HIQ"), rng.choice("<>")
        number = struct.pack(order + width, rng.choice(EDGES) % 256 ** struct.calcsize(width))
        data[at : at + len(number)] = number
    elif kind == 3:
        data[at : at + rng.choice((0, 0, 3))] = rng.choice(WORDS)
    elif kind == 4:
        del data[at : at + rng.randint(1, 40)]
    elif kind == 5:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        data[at : at + rng.choice((0, 20))] = other[start : start + rng.randint(1, 200)]
    elif rng.random() < 0.2:
        del data[at:]


def _repair_png(data: bytearray) -> None:
    """Correct the checksums of chunks: with a wrong one, no reader looks at the next chunk."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
