"""Stellar through Horizon: building classic transactions, submitting, looking up by hash."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stellar_sdk import Account as SdkAccount
from stellar_sdk import Asset, MuxedAccount, TransactionBuilder, TransactionEnvelope
from stellar_sdk.memo import HashMemo, IdMemo, Memo, TextMemo

from offerhub.chain import http, records
from offerhub.chain.accounts import (
    Account,
    account,
    accounts,
    check_destination,
    receiving_account,
    refuse_unless_it_takes,
)
from offerhub.chain.holdings import Holding, balances, contract_balance
from offerhub.chain.network import current, usdc
from offerhub.chain.types import ChainFact, ChainUnavailable, Envelope, Outcome, Transfer, Verdict
from offerhub.core import clock
from offerhub.core.money import to_chain

__all__ = [
    "Account",
    "Holding",
    "Payment",
    "account",
    "accounts",
    "balances",
    "build_activation",
    "build_payment",
    "build_payments",
    "build_top_up",
    "build_trustline",
    "check_destination",
    "contract_balance",
    "envelope_of",
    "friendbot",
    "latest_ledger",
    "look_up",
    "look_up_large",
    "memo_of",
    "payments_of",
    "receiving_account",
    "refuse_unless_it_takes",
    "submit",
    "transaction_builder",
]

BASE_FEE = 10_000  # stroops of XLM an operation at the most; the network charges less when calm
# What one transaction holds by the network's own types: `operations<100>` and `signatures<20>`.
MOST_OPERATIONS, MOST_SIGNATURES = 100, 20
# Of an envelope that we build: a machine whose clock is two minutes wrong still pays.
LIFE = timedelta(minutes=3)
NATIVE = Asset.native()


# --- building ---------------------------------------------------------------------------------
def build_payment(
    source: str,
    sequence: int,
    destination: str,
    amount: int,
    memo: Memo | None = None,
    fee: int = BASE_FEE,
    asset: Asset | None = None,
) -> Envelope:
    """A payment, of USDC unless another asset is named. `sequence` is the source's present one;
    amounts in stroops.

    `fee` is the most XLM that it may cost; offering more helps when the network is crowded.
    """
    builder = transaction_builder(source, sequence, fee)
    if memo is not None:
        builder.add_memo(memo)
    builder.append_payment_op(_payee(destination), asset or usdc(), to_chain(amount))
    return envelope_of(builder, source)


@dataclass(frozen=True)
class Payment:
    """One of the payments of a transaction: whose money, to whom, stroops of USDC."""

    source: str
    destination: str
    amount: int


def build_payments(
    channel: str, sequence: int, payments: Sequence[Payment], memo: Memo | None, fee: int
) -> Envelope:
    """Payments of USDC in one transaction, all or none. The channel gives its sequence number and
    the fee, at most `fee` for each payment; it and every payer must sign.

    Raises ValueError for more than the network takes.
    """
    signers = {channel, *(each.source for each in payments)}
    if len(payments) > MOST_OPERATIONS or len(signers) > MOST_SIGNATURES:
        raise ValueError(f"{len(payments)} payments with {len(signers)} signatures are too many")
    builder = transaction_builder(channel, sequence, fee)
    if memo is not None:
        builder.add_memo(memo)
    for each in payments:
        builder.append_payment_op(
            _payee(each.destination), usdc(), to_chain(each.amount), source=each.source
        )
    return envelope_of(builder, channel)


def build_top_up(source: str, sequence: int, destination: str, amount: int) -> Envelope:
    """A payment of XLM, for network fees."""
    builder = transaction_builder(source, sequence)
    builder.append_payment_op(destination, NATIVE, to_chain(amount))
    return envelope_of(builder, source)


def build_trustline(source: str, sequence: int) -> Envelope:
    """The source's own trustline for USDC."""
    builder = transaction_builder(source, sequence)
    builder.append_change_trust_op(usdc())
    return envelope_of(builder, source)


def build_activation(sponsor: str, sequence: int, address: str, fee_float: int) -> Envelope:
    """A new account with fee money and a trustline, its reserves paid by the sponsor.

    Sponsor and new account must both sign.
    """
    builder = transaction_builder(sponsor, sequence)
    builder.append_begin_sponsoring_future_reserves_op(address, source=sponsor)
    builder.append_create_account_op(address, to_chain(fee_float), source=sponsor)
    builder.append_change_trust_op(usdc(), source=address)
    builder.append_end_sponsoring_future_reserves_op(source=address)
    return envelope_of(builder, sponsor)


def memo_of(kind: str, value: str) -> Memo:
    """A memo: `text` (28 bytes at most), `id` (a 64-bit number) or `hash` (64 hex digits)."""
    if kind == "hash":
        return HashMemo(value)
    return IdMemo(int(value)) if kind == "id" else TextMemo(value)


def _payee(destination: str) -> MuxedAccount | str:
    return MuxedAccount.from_account(destination) if destination.startswith("M") else destination


def transaction_builder(source: str, sequence: int, fee: int = BASE_FEE) -> TransactionBuilder:
    """A transaction that lives for LIFE. `fee` is for each operation."""
    now = int(clock.now().timestamp())
    builder = TransactionBuilder(SdkAccount(source, sequence), current().passphrase, fee)
    return builder.add_time_bounds(0, now + int(LIFE.total_seconds()))


def envelope_of(builder: TransactionBuilder, source: str) -> Envelope:
    """What was built, unsigned."""
    built: TransactionEnvelope = builder.build()
    bounds = built.transaction.preconditions.time_bounds  # type: ignore[union-attr]
    return Envelope(
        xdr=built.to_xdr(),
        hash=built.hash_hex(),
        source=source,
        valid_until=datetime.fromtimestamp(bounds.max_time, UTC),  # type: ignore[union-attr]
        max_fee=built.transaction.fee,
    )


# --- submitting -------------------------------------------------------------------------------
def submit(signed_xdr: str) -> Outcome:
    """Hand a signed envelope to the network.

    Only a transaction that is in a ledger answers CONFIRMED or REJECTED, and even then the
    transfers are read by `look_up`; so the verdict here is UNKNOWN with the provider's word,
    which is empty when the network took it.
    """
    try:
        answer = http.call(
            "POST",
            f"{current().horizon_url}/transactions",
            form={"tx": signed_xdr},
            limit=http.SUBMIT,
        )
    except ChainUnavailable as error:
        return Outcome(Verdict.UNKNOWN, code="no_answer", detail=str(error))
    if answer.ok:
        return Outcome(Verdict.UNKNOWN)
    body = answer.body if isinstance(answer.body, dict) else {}
    return Outcome(
        Verdict.UNKNOWN,
        code=_refusal_code(body) or f"http_{answer.status}",
        detail=str(body.get("title") or body.get("detail") or ""),
        retry_after=answer.retry_after,
    )


def _refusal_code(body: dict[str, Any]) -> str:
    """Horizon's word for a refusal: the first failed operation's, else the transaction's."""
    try:
        codes = (body.get("extras") or {}).get("result_codes") or {}
        failed = [c for c in codes.get("operations") or [] if c != "op_success"]
        return str(failed[0] if failed else codes.get("transaction") or "")
    except (AttributeError, TypeError):
        return ""


def look_up(transaction_hash: str) -> Outcome:
    """What the ledger says of a hash, with the transfers that it made. One request.

    UNKNOWN with code `not_found` when no ledger that Horizon has read holds it. Raises
    ChainUnavailable when Horizon does not answer.
    """
    answer = http.read(
        f"{current().horizon_url}/transactions/{transaction_hash}/operations",
        params={"join": "transactions", "limit": "200", "include_failed": "true"},
    )
    if answer.status == 404:
        return Outcome(Verdict.UNKNOWN, code="not_found", detail="not in any ledger yet")
    with http.in_known_shape("Horizon's transaction"):
        operations = answer.body["_embedded"]["records"]
        if not operations:
            return _NOT_READ
        return _told(transaction_hash, operations[0]["transaction"], operations)


def look_up_large(transaction_hash: str) -> Outcome:
    """The same for a transaction of many operations, each of whose records would bring the whole
    transaction with it: megabytes. Two requests."""
    path = f"{current().horizon_url}/transactions/{transaction_hash}"
    found = http.read(path)
    if found.status == 404:
        return Outcome(Verdict.UNKNOWN, code="not_found", detail="not in any ledger yet")
    made = http.read(f"{path}/operations", params={"limit": "200", "include_failed": "true"})
    with http.in_known_shape("Horizon's transaction"):
        operations = made.body["_embedded"]["records"] if made.status != 404 else []
        if len(operations) < int(found.body["operation_count"]):
            return _NOT_READ
        return _told(transaction_hash, found.body, operations)


_NOT_READ = Outcome(Verdict.UNKNOWN, code="not_found", detail="its operations are not read yet")


def _told(
    transaction_hash: str, transaction: dict[str, Any], operations: list[dict[str, Any]]
) -> Outcome:
    """What Horizon's records say of the transaction that was asked for."""
    fact = records.fact_of(transaction, operations)
    if fact.hash != transaction_hash:
        raise ChainUnavailable("Horizon answered with another transaction")
    return _verdict(fact, transaction["result_xdr"])


def _verdict(fact: ChainFact, result_xdr: str) -> Outcome:
    if fact.successful:
        return Outcome(Verdict.CONFIRMED, fact)
    code = records.failure_code(result_xdr)
    fact = replace(fact, codes=records.operation_codes(result_xdr))
    return Outcome(Verdict.REJECTED, fact, code, records.refusal(code, fact.ledger))


def payments_of(
    address: str, *, cursor: str = "", limit: int = 200
) -> tuple[list[tuple[Transfer, str, int, datetime]], str]:
    """An account's successful movements after a cursor, oldest first, and the next cursor.

    Each with its transaction's hash, ledger and close time. For catching up with what the RPC
    server has forgotten. Raises ChainUnavailable.
    """
    answer = http.read(
        f"{current().horizon_url}/accounts/{address}/payments",
        params={"cursor": cursor, "limit": str(limit), "order": "asc", "join": "transactions"},
    )
    if answer.status == 404:
        return [], cursor
    with http.in_known_shape("Horizon's payments"):
        rows = answer.body["_embedded"]["records"]
        found = [
            (transfer, row["transaction_hash"], _ledger_of(row), records.instant(row["created_at"]))
            for row in rows
            if row.get("transaction_successful", True)
            for transfer in records.transfers_of(row)
        ]
        return found, str(rows[-1]["paging_token"]) if rows else cursor


def _ledger_of(row: dict[str, Any]) -> int:
    """An operation's id holds its ledger in the upper half."""
    return int(row["id"]) >> 32


def latest_ledger() -> tuple[int, datetime]:
    """The newest ledger that Horizon has read, and when it closed."""
    body = http.read(f"{current().horizon_url}/").body
    with http.in_known_shape("Horizon's root"):
        closed_at = records.instant(body["history_latest_ledger_closed_at"])
        return int(body["history_latest_ledger"]), closed_at


def friendbot(address: str) -> None:
    """Ask a test network for XLM; no error when the account has some already."""
    url = current().friendbot_url
    if not url:
        raise ValueError("there is no friendbot on this network")
    answer = http.call("GET", url, params={"addr": address}, limit=http.SUBMIT)
    if answer.status >= 500 or answer.status == 429:
        raise ChainUnavailable(f"friendbot answered {answer.status}")
