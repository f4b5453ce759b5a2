"""Result codes: Horizon's words for them, and their XDR."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from offerhub.sandbox.codec import i32, i64, u32

TX_CODES = {
    "tx_fee_bump_inner_success": 1,
    "tx_success": 0,
    "tx_failed": -1,
    "tx_too_early": -2,
    "tx_too_late": -3,
    "tx_missing_operation": -4,
    "tx_bad_seq": -5,
    "tx_bad_auth": -6,
    "tx_insufficient_balance": -7,
    "tx_no_source_account": -8,
    "tx_insufficient_fee": -9,
    "tx_bad_auth_extra": -10,
    "tx_internal_error": -11,
    "tx_not_supported": -12,
    "tx_fee_bump_inner_failed": -13,
    "tx_bad_sponsorship": -14,
    "tx_bad_minseq_age_or_gap": -15,
    "tx_malformed": -16,
    "tx_soroban_invalid": -17,
}

#: Codes outside the operation's own result (the union's outer arm).
OUTER_CODES = {
    "op_bad_auth": -1,
    "op_no_source_account": -2,
    "op_not_supported": -3,
    "op_too_many_subentries": -4,
    "op_too_many_sponsoring": -6,
}

CREATE, PAY, PATH_RECEIVE, SET_OPTIONS, TRUST, MERGE, DATA, BUMP = 0, 1, 2, 5, 6, 8, 10, 11
PATH_SEND, BEGIN, END, CLAWBACK, LINE_FLAGS, INVOKE, EXTEND, RESTORE = (
    13, 16, 17, 19, 21, 24, 25, 26,
)  # fmt: skip
CREATE_BALANCE, CLAIM_BALANCE = 14, 15

_PAYMENT = {
    "op_malformed": -1,
    "op_underfunded": -2,
    "op_src_no_trust": -3,
    "op_src_not_authorized": -4,
    "op_no_destination": -5,
    "op_no_trust": -6,
    "op_not_authorized": -7,
    "op_line_full": -8,
    "op_no_issuer": -9,
}
_PATH = {**_PAYMENT, "op_too_few_offers": -10, "op_cross_self": -11}

OP_CODES: dict[int, dict[str, int]] = {
    CREATE: {
        "op_malformed": -1,
        "op_underfunded": -2,
        "op_low_reserve": -3,
        "op_already_exists": -4,
    },
    PAY: _PAYMENT,
    PATH_RECEIVE: {**_PATH, "op_over_source_max": -12},
    PATH_SEND: {**_PATH, "op_under_dest_min": -12},
    SET_OPTIONS: {
        "op_low_reserve": -1,
        "op_too_many_signers": -2,
        "op_bad_flags": -3,
        "op_cant_change": -5,
        "op_unknown_flag": -6,
        "op_threshold_out_of_range": -7,
        "op_bad_signer": -8,
    },
    TRUST: {
        "op_malformed": -1,
        "op_no_issuer": -2,
        "op_invalid_limit": -3,
        "op_low_reserve": -4,
        "op_self_not_allowed": -5,
        "op_cannot_delete": -7,
    },
    MERGE: {
        "op_malformed": -1,
        "op_no_account": -2,
        "op_immutable_set": -3,
        "op_has_sub_entries": -4,
        "op_seq_num_too_far": -5,
        "op_dest_full": -6,
        "op_is_sponsor": -7,
    },
    DATA: {"op_data_name_not_found": -2, "op_low_reserve": -3, "op_data_invalid_name": -4},
    BUMP: {"op_bad_seq": -1},
    BEGIN: {"op_malformed": -1, "op_already_sponsored": -2, "op_recursive": -3},
    END: {"op_not_sponsored": -1},
    CLAWBACK: {
        "op_malformed": -1,
        "op_not_clawback_enabled": -2,
        "op_no_trust": -3,
        "op_underfunded": -4,
    },
    LINE_FLAGS: {
        "op_malformed": -1,
        "op_no_trust": -2,
        "op_cant_revoke": -3,
        "op_invalid_state": -4,
    },
    INVOKE: {
        "op_malformed": -1,
        "function_trapped": -2,
        "resource_limit_exceeded": -3,
        "entry_archived": -4,
        "insufficient_refundable_fee": -5,
    },
    CREATE_BALANCE: {
        "op_malformed": -1,
        "op_low_reserve": -2,
        "op_no_trust": -3,
        "op_not_authorized": -4,
        "op_underfunded": -5,
    },
    CLAIM_BALANCE: {
        "op_does_not_exist": -1,
        "op_cannot_claim": -2,
        "op_line_full": -3,
        "op_no_trust": -4,
        "op_not_authorized": -5,
    },
    EXTEND: {},
    RESTORE: {},
}


@dataclass(frozen=True, slots=True)
class OpResult:
    """One operation's outcome; ``payload`` is the XDR after a success code."""

    kind: int
    code: str = "op_success"
    payload: bytes = b""

    def to_xdr(self) -> bytes:
        """The XDR of an OperationResult."""
        if self.code in OUTER_CODES:
            return i32(OUTER_CODES[self.code])
        code = 0 if self.code == "op_success" else OP_CODES[self.kind][self.code]
        return i32(0) + i32(self.kind) + i32(code) + self.payload


@dataclass(frozen=True, slots=True)
class TxResult:
    """A transaction's outcome. ``fee`` in stroops, as charged to ``fee_account``."""

    code: str
    fee: int = 0
    operations: tuple[OpResult, ...] = ()
    inner_hash: str = ""

    @property
    def successful(self) -> bool:
        """Whether every operation applied."""
        return self.code == "tx_success"

    def codes(self) -> dict[str, object]:
        """Horizon's ``result_codes``."""
        words: dict[str, object] = {"transaction": self.code}
        if self.inner_hash:
            outer = "success" if self.successful else "failed"
            words = {"transaction": f"tx_fee_bump_inner_{outer}", "inner_transaction": self.code}
        if self.operations:
            words["operations"] = [operation.code for operation in self.operations]
        return words

    def to_xdr(self) -> str:
        """The XDR of a TransactionResult, as base64 text."""
        inner = self._body(0 if self.inner_hash else self.fee) + u32(0)
        if self.inner_hash:
            code = "tx_fee_bump_inner_success" if self.successful else "tx_fee_bump_inner_failed"
            head = i64(self.fee) + i32(TX_CODES[code]) + bytes.fromhex(self.inner_hash)
            return base64.b64encode(head + inner + u32(0)).decode()
        return base64.b64encode(inner).decode()

    def _body(self, fee: int) -> bytes:
        body = i64(fee) + i32(TX_CODES[self.code])
        if self.code not in ("tx_success", "tx_failed"):
            return body
        return body + u32(len(self.operations)) + _joined(self.operations)


def _joined(operations: Sequence[OpResult]) -> bytes:
    return b"".join(operation.to_xdr() for operation in operations)
