"""XDR by hand where it is hot, and conversion of contract values to plain Python.

Encoders return the bytes of one SCVal. They are written out because the sandbox encodes a
whole escrow for every build and stellar_sdk needs ten times as long for it. Decoding always
goes through stellar_sdk, so a mistake here shows as soon as one of its clients reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from stellar_sdk import StrKey, xdr

Value = None | bool | int | bytes | str | list["Value"] | dict[str, "Value"]


class Address(str):
    """A contract value of type Address: G..., C... or M... text."""

    __slots__ = ()


class Symbol(str):
    """A contract value of type Symbol."""

    __slots__ = ()


class BadValue(ValueError):
    """A contract value that no contract of this network takes."""


_KIND = xdr.SCValType
_ADDRESS_KIND = xdr.SCAddressType
I128_MIN, I128_MAX = -(2**127), 2**127 - 1


def u32(number: int) -> bytes:
    """A 32-bit unsigned integer, big endian."""
    return struct.pack(">I", number)


def i32(number: int) -> bytes:
    """A 32-bit signed integer, big endian."""
    return struct.pack(">i", number)


def i64(number: int) -> bytes:
    """A 64-bit signed integer, big endian."""
    return struct.pack(">q", number)


def opaque(data: bytes) -> bytes:
    """Variable-length bytes: length, data, padding to a multiple of four."""
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


@lru_cache(maxsize=65536)
def account_text(key: bytes) -> str:
    """G... of 32 raw bytes."""
    return StrKey.encode_ed25519_public_key(key)


@lru_cache(maxsize=65536)
def contract_text(key: bytes) -> str:
    """C... of 32 raw bytes."""
    return StrKey.encode_contract(key)


@lru_cache(maxsize=65536)
def account_key(address: str) -> bytes:
    """32 raw bytes of a G... address; ValueError when it is none."""
    return StrKey.decode_ed25519_public_key(address)


@lru_cache(maxsize=65536)
def contract_key(address: str) -> bytes:
    """32 raw bytes of a C... address; ValueError when it is none."""
    return StrKey.decode_contract(address)


def is_account(address: object) -> bool:
    """True for a valid G... address."""
    return isinstance(address, str) and StrKey.is_valid_ed25519_public_key(address)


def is_contract(address: object) -> bool:
    """True for a valid C... address."""
    return isinstance(address, str) and StrKey.is_valid_contract(address)


@lru_cache(maxsize=65536)
def sc_address_body(address: str) -> bytes:
    """SCAddress bytes of G..., C..., M... or B... text."""
    if address.startswith("G"):
        return b"\0\0\0\0\0\0\0\0" + account_key(address)
    if address.startswith("C"):
        return b"\0\0\0\1" + contract_key(address)
    if address.startswith("B"):
        return u32(3) + u32(0) + StrKey.decode_claimable_balance(address)[1:]
    return u32(2) + StrKey.decode_med25519_public_key(address)[32:] + _muxed_key(address)


def _muxed_key(address: str) -> bytes:
    return StrKey.decode_med25519_public_key(address)[:32]


def sc_address(address: str) -> bytes:
    """An SCVal of type Address."""
    return b"\0\0\0\x12" + sc_address_body(address)


def sc_i128(number: int) -> bytes:
    """An SCVal of type I128; OverflowError beyond 128 bits."""
    return b"\0\0\0\x0a" + number.to_bytes(16, "big", signed=True)


def sc_u32(number: int) -> bytes:
    """An SCVal of type U32."""
    return b"\0\0\0\x03" + struct.pack(">I", number)


def sc_u64(number: int) -> bytes:
    """An SCVal of type U64."""
    return b"\0\0\0\x05" + struct.pack(">Q", number)


def sc_bool(flag: bool) -> bytes:
    """An SCVal of type Bool."""
    return b"\0\0\0\0\0\0\0\1" if flag else b"\0\0\0\0\0\0\0\0"


def sc_void() -> bytes:
    """The SCVal Void."""
    return b"\0\0\0\1"


def sc_string(text: str) -> bytes:
    """An SCVal of type String."""
    return b"\0\0\0\x0e" + opaque(text.encode())


def sc_symbol(text: str) -> bytes:
    """An SCVal of type Symbol."""
    return b"\0\0\0\x0f" + opaque(text.encode())


def sc_bytes(data: bytes) -> bytes:
    """An SCVal of type Bytes."""
    return b"\0\0\0\x0d" + opaque(data)


def sc_vec(items: Sequence[bytes]) -> bytes:
    """An SCVal of type Vec from encoded items."""
    return b"\0\0\0\x10\0\0\0\1" + u32(len(items)) + b"".join(items)


def sc_struct(fields: Mapping[str, bytes]) -> bytes:
    """An SCVal of type Map with symbol keys, sorted as the host demands."""
    entries = [sc_symbol(name) + fields[name] for name in sorted(fields)]
    return b"\0\0\0\x11\0\0\0\1" + u32(len(entries)) + b"".join(entries)


def sc_address_map(entries: Mapping[str, bytes]) -> bytes:
    """An SCVal of type Map with Address keys, sorted as the host demands."""
    ordered = sorted((sc_address_body(address), item) for address, item in entries.items())
    pairs = [b"\0\0\0\x12" + key + item for key, item in ordered]
    return b"\0\0\0\x11\0\0\0\1" + u32(len(pairs)) + b"".join(pairs)


def address_of(address: xdr.SCAddress) -> Address:
    """The text of an SCAddress; BadValue for kinds that hold no tokens here."""
    if address.type == _ADDRESS_KIND.SC_ADDRESS_TYPE_ACCOUNT and address.account_id:
        key = address.account_id.account_id.ed25519
        if key is not None:
            return Address(account_text(key.uint256))
    if address.type == _ADDRESS_KIND.SC_ADDRESS_TYPE_CONTRACT and address.contract_id:
        return Address(contract_text(address.contract_id.contract_id.hash))
    if address.type == _ADDRESS_KIND.SC_ADDRESS_TYPE_MUXED_ACCOUNT and address.muxed_account:
        muxed = address.muxed_account
        raw = muxed.ed25519.uint256 + struct.pack(">Q", muxed.id.uint64)
        return Address(StrKey.encode_med25519_public_key(raw))
    raise BadValue("an address of a kind that this network does not know")


def plain(value: xdr.SCVal) -> Value:
    """An SCVal as plain Python. Maps get text keys: symbols, strings or addresses."""
    kind = value.type
    if kind == _KIND.SCV_ADDRESS and value.address is not None:
        return address_of(value.address)
    if kind == _KIND.SCV_I128 and value.i128 is not None:
        return (value.i128.hi.int64 << 64) | value.i128.lo.uint64
    if kind == _KIND.SCV_STRING and value.str is not None:
        return value.str.sc_string.decode("utf-8", "replace")
    if kind == _KIND.SCV_SYMBOL and value.sym is not None:
        return Symbol(value.sym.sc_symbol.decode("utf-8", "replace"))
    if kind == _KIND.SCV_VEC and value.vec is not None:
        return [plain(item) for item in value.vec.sc_vec]
    if kind == _KIND.SCV_MAP and value.map is not None:
        return {_map_key(e.key): plain(e.val) for e in value.map.sc_map}
    if kind == _KIND.SCV_BYTES and value.bytes is not None:
        return value.bytes.sc_bytes
    return _scalar(value)


def _scalar(value: xdr.SCVal) -> Value:
    kind = value.type
    if kind == _KIND.SCV_VOID:
        return None
    if kind == _KIND.SCV_BOOL:
        return bool(value.b)
    if value.u32 is not None:
        return value.u32.uint32
    if value.i32 is not None:
        return value.i32.int32
    if value.u64 is not None:
        return value.u64.uint64
    if value.i64 is not None:
        return value.i64.int64
    if value.u128 is not None:
        return (value.u128.hi.uint64 << 64) | value.u128.lo.uint64
    raise BadValue("a contract value of a kind that no contract of this network takes")


def _map_key(value: xdr.SCVal) -> str:
    key = plain(value)
    if not isinstance(key, str):
        raise BadValue("a map whose keys are not text")
    return key
