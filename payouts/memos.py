"""Memos: what exchanges and custodians want beside the address, to know whose money it is."""

import re
from dataclasses import dataclass

from stellar_sdk.memo import Memo as ChainMemo

from offerhub.chain import stellar
from offerhub.core.errors import FieldError, InvalidRequest
from payouts.models import MemoType, Withdrawal

TEXT_BYTES = 28
MAX_ID = 2**64 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Memo:
    """A memo in one spelling per meaning; both parts are empty when there is none."""

    type: str = ""
    value: str = ""


def parse_memo(value: str | None, type: str | None) -> Memo:
    """The memo that a body asks for; text unless it says otherwise. Raises InvalidRequest."""
    if not value:
        if type:
            raise _refuse("memo", "required", "is missing, although memoType is given")
        return Memo()
    kind = MemoType(type or MemoType.TEXT)
    if kind == MemoType.TEXT and len(value.encode()) > TEXT_BYTES:
        raise _refuse("memo", "memo_too_long", f"takes at most {TEXT_BYTES} bytes of text")
    if kind == MemoType.ID and not (_NUMBER.fullmatch(value) and int(value) <= MAX_ID):
        raise _refuse("memo", "invalid_memo", f"must be a whole number from 0 to {MAX_ID}")
    if kind == MemoType.HASH:
        value = value.lower()
        if not _HASH.fullmatch(value):
            raise _refuse("memo", "invalid_memo", "must be 64 hexadecimal digits")
    return Memo(kind.value, value)


def memo_of(withdrawal: Withdrawal) -> ChainMemo | None:
    """The memo that its transaction carries."""
    if not withdrawal.memo:
        return None
    return stellar.memo_of(withdrawal.memo_type, withdrawal.memo)


def _refuse(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
