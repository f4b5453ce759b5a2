"""What a transaction on the chain asked for, read from its envelope: for people, and for finding
the record that it belongs to. Nothing here is signed or sent."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stellar_sdk import (
    Address,
    ChangeTrust,
    ClaimClaimableBalance,
    CreateAccount,
    HashMemo,
    IdMemo,
    InvokeHostFunction,
    Payment,
    TextMemo,
    TransactionEnvelope,
)

from offerhub.chain import http
from offerhub.chain.inspection import deployed_contract
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.chain.values import native
from offerhub.core.money import format_amount, from_chain


@dataclass(frozen=True)
class Paid:
    """A payment that was asked for, out of the account `source`; the issuer of XLM is empty."""

    source: str
    destination: str
    amount: int
    asset_code: str
    asset_issuer: str


@dataclass(frozen=True)
class Told:
    """One envelope. Of a contract call `function`, `contract` and `arguments`; `deploys` is the
    contract that a factory's call makes."""

    source: str = ""
    fee: int = 0
    valid_until: datetime | None = None
    function: str = ""
    contract: str = ""
    arguments: list[Any] = field(default_factory=list)
    deploys: str = ""
    payments: tuple[Paid, ...] = ()
    creates: str = ""
    trusts: bool = False
    claims: str = ""  # the claimable balance
    memo: tuple[str, str] = ("", "")

    @property
    def paid(self) -> Paid | None:
        """The payment, of an envelope that makes one."""
        return self.payments[0] if len(self.payments) == 1 else None

    def __str__(self) -> str:
        if self.deploys:
            return f"deploys the contract {self.deploys}"
        if self.function:
            return f"calls {self.function} of {self.contract}"
        if self.creates:
            return f"creates the account {self.creates}"
        if self.paid:
            amount = f"{format_amount(self.paid.amount)} {self.paid.asset_code}"
            return f"pays {amount} to {self.paid.destination}"
        if self.payments:
            return f"makes {len(self.payments)} payments"
        if self.claims:
            return f"claims the balance {self.claims}"
        return "trusts an asset" if self.trusts else "does something that we never ask for"


def read(envelope: str) -> Told:
    """What an envelope asks for; of one that cannot be read, nothing."""
    try:
        parsed = TransactionEnvelope.from_xdr(envelope, current().passphrase)
        return _read(parsed)
    except Exception:
        return Told()


def envelope_of(transaction_hash: str) -> str:
    """A transaction's envelope; "" when Horizon does not have it. Raises ChainUnavailable."""
    answer = http.read(f"{current().horizon_url}/transactions/{transaction_hash}")
    if answer.status == 404:
        return ""
    if not answer.ok:
        raise ChainUnavailable(f"Horizon answered {answer.status}")
    with http.in_known_shape("Horizon's transaction"):
        return str(answer.body["envelope_xdr"])


def _read(parsed: TransactionEnvelope) -> Told:
    transaction = parsed.transaction
    conditions = transaction.preconditions
    bounds = conditions.time_bounds if conditions else None
    values: dict[str, Any] = {
        "source": transaction.source.account_id,
        "fee": transaction.fee,
        "valid_until": datetime.fromtimestamp(bounds.max_time, UTC) if bounds else None,
        "memo": _memo(transaction.memo),
    }
    for operation in transaction.operations:
        if isinstance(operation, Payment):
            paid = _payment(operation, values["source"])
            values["payments"] = (*values.get("payments", ()), paid)
        elif isinstance(operation, CreateAccount):
            values["creates"] = operation.destination
        elif isinstance(operation, ChangeTrust):
            values["trusts"] = True
        elif isinstance(operation, ClaimClaimableBalance):
            values["claims"] = operation.balance_id
        elif isinstance(operation, InvokeHostFunction):
            values |= _call(operation)
    return Told(**values)


def _payment(operation: Payment, source: str) -> Paid:
    payer = operation.source.account_id if operation.source else source
    to, asset = operation.destination, operation.asset
    destination = to.account_muxed if to.account_muxed_id is not None else to.account_id
    issuer = "" if asset.is_native() else str(asset.issuer)
    return Paid(payer, str(destination), from_chain(operation.amount), asset.code, issuer)


def _call(operation: InvokeHostFunction) -> dict[str, Any]:
    call = operation.host_function.invoke_contract
    if call is None:
        return {}
    function = call.function_name.sc_symbol.decode()
    return {
        "function": function,
        "contract": Address.from_xdr_sc_address(call.contract_address).address,
        "arguments": [native(argument) for argument in call.args],
        "deploys": deployed_contract(call) if function.startswith("tw_new_") else "",
    }


def _memo(memo: Any) -> tuple[str, str]:
    if isinstance(memo, TextMemo):
        return "text", memo.memo_text.decode(errors="replace")
    if isinstance(memo, IdMemo):
        return "id", str(memo.memo_id)
    return ("hash", memo.memo_hash.hex()) if isinstance(memo, HashMemo) else ("", "")
