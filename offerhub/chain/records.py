"""Horizon's operation records as facts and transfers. Amounts become stroops, exactly."""

from datetime import datetime
from typing import Any

from stellar_sdk import xdr

from offerhub.chain.types import ChainFact, Transfer
from offerhub.core.money import from_chain

_CLASSIC = {"payment", "path_payment_strict_receive", "path_payment_strict_send"}


def fact_of(transaction: dict[str, Any], operations: list[dict[str, Any]]) -> ChainFact:
    """What a transaction did. `transaction` and `operations` are Horizon's own records."""
    successful = bool(transaction["successful"])
    transfers = [t for op in operations for t in transfers_of(op)] if successful else []
    return ChainFact(
        hash=str(transaction["hash"]),
        ledger=int(transaction["ledger"]),
        closed_at=instant(transaction["created_at"]),
        fee_charged=int(transaction["fee_charged"]),
        fee_account=str(transaction["fee_account"]),
        successful=successful,
        transfers=tuple(transfers),
    )


def transfers_of(operation: dict[str, Any]) -> list[Transfer]:
    """The movements of one operation, counted from 0 per asset.

    `events` counts alike, but tells more of a path payment: its trades too. A merged account's XLM
    is not in the record, so Horizon tells of none, and events alone do. Claimable balances and
    pools are no payments in Horizon's words.
    """
    kind = operation["type"]
    if kind in _CLASSIC:
        return [_payment(operation)]
    if kind == "create_account":
        sender, recipient = operation["funder"], operation["account"]
        return [_native(operation, sender, recipient, operation["starting_balance"])]
    if kind == "invoke_host_function":
        ranks: dict[tuple[str, str], int] = {}
        movements = []
        for change in operation.get("asset_balance_changes") or []:
            asset = _asset(change)
            movements.append(_change(operation, ranks.get(asset, 0), change))
            ranks[asset] = ranks.get(asset, 0) + 1
        return movements
    return []


def _payment(operation: dict[str, Any]) -> Transfer:
    code, issuer = _asset(operation)
    sender, recipient = operation["from"], operation["to"]
    return Transfer(
        operation=str(operation["id"]),
        index=0,
        sender="" if sender == issuer else sender,
        recipient="" if recipient == issuer else recipient,
        asset_code=code,
        asset_issuer=issuer,
        amount=from_chain(operation["amount"]),
        recipient_muxed_id=str(operation.get("to_muxed_id") or ""),
    )


def _native(operation: dict[str, Any], sender: str, recipient: str, amount: str) -> Transfer:
    return Transfer(str(operation["id"]), 0, sender, recipient, "XLM", "", from_chain(amount))


def _change(operation: dict[str, Any], index: int, change: dict[str, Any]) -> Transfer:
    code, issuer = _asset(change)
    return Transfer(
        operation=str(operation["id"]),
        index=index,
        sender=change.get("from") or "",
        recipient=change.get("to") or "",
        asset_code=code,
        asset_issuer=issuer,
        amount=from_chain(change["amount"]),
        recipient_muxed_id=str(change.get("destination_muxed_id") or ""),
    )


def _asset(record: dict[str, Any]) -> tuple[str, str]:
    if record.get("asset_type") == "native":
        return "XLM", ""
    return str(record["asset_code"]), str(record["asset_issuer"])


def instant(text: str) -> datetime:
    """Horizon's `2026-03-01T12:00:00Z`."""
    return datetime.fromisoformat(text)


SUCCESS = "op_success"
# The result codes by the names that Horizon gives them; what is not here reads as its number.
_TRANSACTION = {
    -1: "tx_failed",
    -2: "tx_too_early",
    -3: "tx_too_late",
    -4: "tx_missing_operation",
    -5: "tx_bad_seq",
    -6: "tx_bad_auth",
    -7: "tx_insufficient_balance",
    -8: "tx_no_source_account",
    -9: "tx_insufficient_fee",
    -10: "tx_bad_auth_extra",
    -11: "tx_internal_error",
    -13: "tx_fee_bump_inner_failed",
}
_ANY_OPERATION = {
    -1: "op_bad_auth",
    -2: "op_no_source_account",
    -3: "op_not_supported",
    -4: "op_too_many_subentries",
    -5: "op_exceeded_work_limit",
    -6: "op_too_many_sponsoring",
}
_PAYMENT = {
    -1: "op_malformed",
    -2: "op_underfunded",
    -3: "op_src_no_trust",
    -4: "op_src_not_authorized",
    -5: "op_no_destination",
    -6: "op_no_trust",
    -7: "op_not_authorized",
    -8: "op_line_full",
    -9: "op_no_issuer",
}
_OPERATIONS: dict[str, dict[int, str]] = {
    "payment_result": _PAYMENT,
    "create_account_result": {
        -1: "op_malformed",
        -2: "op_underfunded",
        -3: "op_low_reserve",
        -4: "op_already_exists",
    },
    "change_trust_result": {
        -1: "op_malformed",
        -2: "op_no_issuer",
        -3: "op_invalid_limit",
        -4: "op_low_reserve",
    },
    "create_claimable_balance_result": {
        -1: "op_malformed",
        -2: "op_low_reserve",
        -3: "op_no_trust",
        -4: "op_not_authorized",
        -5: "op_underfunded",
    },
    "claim_claimable_balance_result": {
        -1: "op_does_not_exist",
        -2: "op_cannot_claim",
        -3: "op_line_full",
        -4: "op_no_trust",
        -5: "op_not_authorized",
    },
    "invoke_host_function_result": {
        -1: "op_malformed",
        -2: "function_trapped",
        -3: "resource_limit_exceeded",
        -4: "entry_archived",
        -5: "insufficient_refundable_fee",
    },
}


# What a code means for whoever has to mend it, where the word alone does not say it.
_MEANS = {
    "entry_archived": "entries of the contract are archived, and the call did not restore them",
    "resource_limit_exceeded": "the call took more of the network's resources than it asked for",
    "insufficient_refundable_fee": "the fee that was offered does not pay for what the call stores",
}


def refusal(code: str, ledger: int) -> str:
    """In words: that a ledger refused a transaction, and what the code means."""
    told = f"refused in ledger {ledger}"
    return f"{told}: {_MEANS[code]}" if code in _MEANS else told


def failure_code(result_xdr: str) -> str:
    """The code of a failed transaction: its first failed operation's, else the transaction's."""
    failed = [code for code in operation_codes(result_xdr) if code != SUCCESS]
    code = _result(result_xdr).code.value
    return failed[0] if failed else _TRANSACTION.get(code, f"tx_code_{code}")


def operation_codes(result_xdr: str) -> tuple[str, ...]:
    """The code of each operation in order, `op_success` too; none when it did not come to them."""
    return tuple(_operation_code(each) for each in _result(result_xdr).results or [])


def _result(result_xdr: str) -> Any:
    """What became of the transaction itself, inside a fee bump too."""
    result = xdr.TransactionResult.from_xdr(result_xdr).result
    inner = getattr(result, "inner_result_pair", None)
    return result if inner is None else inner.result.result


def _operation_code(operation: xdr.OperationResult) -> str:
    body = operation.tr
    if body is None:
        return _ANY_OPERATION.get(operation.code.value, f"op_code_{operation.code.value}")
    for attribute, names in _OPERATIONS.items():
        part = getattr(body, attribute, None)
        if part is not None and part.code.value < 0:
            return names.get(part.code.value, f"op_code_{part.code.value}")
    return SUCCESS
