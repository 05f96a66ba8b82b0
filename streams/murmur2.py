"""Kafka's partitioner for keyed records, as Java's clients and librdkafka's `murmur2_random` compute it.

Needed only to check that a backfill's record lies where its account belongs; producers leave it to librdkafka.
Source: the Apache Kafka protocol guide's default partitioner; MurmurHash2 is public domain (A. Appleby).
"""

from __future__ import annotations

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash of `data`, unsigned."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if length > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that a record with this key goes to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
