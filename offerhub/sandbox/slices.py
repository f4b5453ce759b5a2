"""The arguments of a contract call as they stand in an envelope, without decoding them.

Horizon shows a call's parameters as encoded values. Cutting them out of the bytes costs a
tenth of decoding the envelope and encoding its values again, and operations are read often.
"""

from __future__ import annotations

import base64
import struct
from functools import lru_cache

from stellar_sdk import xdr
from xdrlib3 import Unpacker

_SIZES = {0: 4, 1: 0, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 8: 8, 9: 16, 10: 16, 11: 32, 12: 32, 20: 0}
_TEXTS = (13, 14, 15)
_VEC, _MAP, _ADDRESS = 16, 17, 18
_ADDRESS_SIZES = {0: 40, 1: 36, 2: 44}
_FEE_BUMP = 5


def _int(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def after_value(data: bytes, at: int) -> int:
    """Where the SCVal that starts at an offset ends; ValueError for kinds not passed here."""
    kind = _int(data, at)
    at += 4
    if kind in _SIZES:
        return at + _SIZES[kind]
    if kind in _TEXTS:
        length = _int(data, at)
        return at + 4 + length + (-length % 4)
    if kind == _ADDRESS:
        return at + _ADDRESS_SIZES[_int(data, at)]
    if kind not in (_VEC, _MAP):
        raise ValueError("a value of a kind that is not passed to contracts here")
    count = _int(data, at + 4) * (2 if kind == _MAP else 1)
    at += 8
    for _ in range(count):
        at = after_value(data, at)
    return at


def _body(data: bytes) -> Unpacker:
    """Stands at the inner transaction's source account."""
    unpacker = Unpacker(data)
    if unpacker.unpack_int() == _FEE_BUMP:
        xdr.MuxedAccount.unpack(unpacker)
        unpacker.unpack_hyper()
        unpacker.unpack_int()
    return unpacker


@lru_cache(maxsize=512)
def parameters(text: str) -> tuple[tuple[str, str], ...]:
    """The call of an envelope as (type, base64 SCVal): contract, function, arguments.

    The envelope must be one that was applied with an InvokeHostFunction operation.
    """
    data = base64.b64decode(text)
    unpacker = _body(data)
    xdr.MuxedAccount.unpack(unpacker)
    unpacker.set_position(unpacker.get_position() + 12)
    xdr.Preconditions.unpack(unpacker)
    xdr.Memo.unpack(unpacker)
    unpacker.unpack_uint()
    if unpacker.unpack_uint():
        xdr.MuxedAccount.unpack(unpacker)
    unpacker.unpack_uint()
    if unpacker.unpack_uint() != xdr.HostFunctionType.HOST_FUNCTION_TYPE_INVOKE_CONTRACT:
        return ()
    contract = b"\0\0\0\x12" + xdr.SCAddress.unpack(unpacker).to_xdr_bytes()
    start = unpacker.get_position()
    unpacker.unpack_opaque()
    found = [("Address", contract), ("Sym", b"\0\0\0\x0f" + data[start : unpacker.get_position()])]
    count, at = unpacker.unpack_uint(), unpacker.get_position()
    for _ in range(count):
        end = after_value(data, at)
        name = xdr.SCValType(_int(data, at)).name[4:].capitalize()
        found.append((name, data[at:end]))
        at = end
    return tuple((kind, base64.b64encode(value).decode()) for kind, value in found)
