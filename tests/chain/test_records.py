"""Why a transaction failed, in Horizon's words; and amounts without a stroop lost."""

import pytest
from stellar_sdk import xdr

from offerhub.chain.records import failure_code, transfers_of
from offerhub.core.money import from_chain


def _failed(*results: xdr.OperationResult) -> str:
    """The result of a transaction whose operations ended like this."""
    code = xdr.TransactionResultCode.txFAILED
    return _result(xdr.TransactionResultResult(code, results=list(results)))


def _result(inner: xdr.TransactionResultResult) -> str:
    return xdr.TransactionResult(xdr.Int64(100), inner, xdr.TransactionResultExt(0)).to_xdr()


def _payment(code: xdr.PaymentResultCode) -> xdr.OperationResult:
    return xdr.OperationResult(
        xdr.OperationResultCode.opINNER,
        xdr.OperationResultTr(xdr.OperationType.PAYMENT, payment_result=xdr.PaymentResult(code)),
    )


def _invocation(code: xdr.InvokeHostFunctionResultCode) -> xdr.OperationResult:
    return xdr.OperationResult(
        xdr.OperationResultCode.opINNER,
        xdr.OperationResultTr(
            xdr.OperationType.INVOKE_HOST_FUNCTION,
            invoke_host_function_result=xdr.InvokeHostFunctionResult(code),
        ),
    )


PAYMENTS = {
    "op_malformed": xdr.PaymentResultCode.PAYMENT_MALFORMED,
    "op_underfunded": xdr.PaymentResultCode.PAYMENT_UNDERFUNDED,
    "op_src_no_trust": xdr.PaymentResultCode.PAYMENT_SRC_NO_TRUST,
    "op_src_not_authorized": xdr.PaymentResultCode.PAYMENT_SRC_NOT_AUTHORIZED,
    "op_no_destination": xdr.PaymentResultCode.PAYMENT_NO_DESTINATION,
    "op_no_trust": xdr.PaymentResultCode.PAYMENT_NO_TRUST,
    "op_not_authorized": xdr.PaymentResultCode.PAYMENT_NOT_AUTHORIZED,
    "op_line_full": xdr.PaymentResultCode.PAYMENT_LINE_FULL,
    "op_no_issuer": xdr.PaymentResultCode.PAYMENT_NO_ISSUER,
}
CALLS = {
    "function_trapped": xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_TRAPPED,
    "resource_limit_exceeded": (
        xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_RESOURCE_LIMIT_EXCEEDED
    ),
    "entry_archived": xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_ENTRY_ARCHIVED,
    "insufficient_refundable_fee": (
        xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_INSUFFICIENT_REFUNDABLE_FEE
    ),
}


@pytest.mark.parametrize(("word", "code"), PAYMENTS.items())
def test_a_payments_failure_has_horizons_word(word: str, code: xdr.PaymentResultCode) -> None:
    success = _payment(xdr.PaymentResultCode.PAYMENT_SUCCESS)
    assert failure_code(_failed(success, _payment(code))) == word


@pytest.mark.parametrize(("word", "code"), CALLS.items())
def test_a_calls_failure_has_horizons_word(
    word: str, code: xdr.InvokeHostFunctionResultCode
) -> None:
    assert failure_code(_failed(_invocation(code))) == word


def test_an_operation_that_did_not_begin_has_its_word() -> None:
    for word, code in {
        "op_bad_auth": xdr.OperationResultCode.opBAD_AUTH,
        "op_no_source_account": xdr.OperationResultCode.opNO_ACCOUNT,
        "op_not_supported": xdr.OperationResultCode.opNOT_SUPPORTED,
        "op_too_many_subentries": xdr.OperationResultCode.opTOO_MANY_SUBENTRIES,
    }.items():
        assert failure_code(_failed(xdr.OperationResult(code))) == word


def test_a_transaction_without_operations_has_the_transactions_word() -> None:
    for word, code in {
        "tx_bad_seq": xdr.TransactionResultCode.txBAD_SEQ,
        "tx_too_late": xdr.TransactionResultCode.txTOO_LATE,
        "tx_insufficient_balance": xdr.TransactionResultCode.txINSUFFICIENT_BALANCE,
    }.items():
        assert failure_code(_result(xdr.TransactionResultResult(code))) == word
    unknown = xdr.TransactionResultCode.txMALFORMED
    assert failure_code(_result(xdr.TransactionResultResult(unknown))) == "tx_code_-16"


@pytest.mark.parametrize("kind", ["account_merge", "manage_sell_offer", "claim_claimable_balance"])
def test_other_operations_move_nothing_that_horizon_calls_a_payment(kind: str) -> None:
    assert transfers_of({"type": kind, "id": "1"}) == []


def test_several_changes_in_one_call_are_numbered_by_asset() -> None:
    def change(code: str, amount: str) -> dict[str, str]:
        asset = {"asset_type": "credit_alphanum4", "asset_code": code, "asset_issuer": "G1"}
        return {"type": "transfer", "from": "C1", "to": "G2", "amount": amount} | asset

    changes = [
        change("USDC", "1.0000000"),
        change("EURC", "2.0000000"),
        change("USDC", "0.0000001"),
    ]
    found = transfers_of(
        {"type": "invoke_host_function", "id": "77", "asset_balance_changes": changes}
    )
    assert [(t.asset_code, t.index, t.amount) for t in found] == [
        ("USDC", 0, 10_000_000), ("EURC", 0, 20_000_000), ("USDC", 1, 1),
    ]  # fmt: skip
    assert transfers_of({"type": "invoke_host_function", "id": "77"}) == []


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1.00000000", "+1", "1,5", "0x1", "1.2.3", " 1"])
def test_what_is_no_amount_of_horizons_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        from_chain(text)
