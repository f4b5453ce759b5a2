"""Contract values (SCVal) in plain Python."""

from typing import Any

from stellar_sdk import Address, scval, xdr

_T = xdr.SCValType


def native(value: xdr.SCVal) -> Any:
    """Numbers as int, symbols and texts as str, addresses as their text; bytes stay bytes.

    A text that is no UTF-8 comes as bytes. Raises ValueError for a map that has a key twice, whose
    second entry a dict would hide.
    """
    if value.type == _T.SCV_ADDRESS:
        assert value.address is not None
        return Address.from_xdr_sc_address(value.address).address
    if value.type == _T.SCV_VEC:
        assert value.vec is not None
        return [native(item) for item in value.vec.sc_vec]
    if value.type == _T.SCV_MAP:
        assert value.map is not None
        entries = value.map.sc_map
        found = {native(entry.key): native(entry.val) for entry in entries}
        if len(found) != len(entries):
            raise ValueError("a map has a key twice")
        return found
    return scval.to_native(value)
