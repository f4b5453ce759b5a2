"""Accounts as Horizon shows them, and whether one can receive a payment."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stellar_sdk import MuxedAccount
from stellar_sdk.strkey import StrKey

from offerhub.chain import http
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.core.errors import DestinationRefused, FieldError
from offerhub.core.money import MAX_AMOUNT, from_chain

AT_ONCE = 8  # accounts that are read at the same time
MEMO_REQUIRED = "config.memo_required"  # SEP-29


@dataclass(frozen=True)
class Line:
    """One balance of an account, in stroops. The native line has no limit."""

    balance: int
    limit: int
    authorized: bool


@dataclass(frozen=True)
class Account:
    """An account; when it does not exist, sequence is 0 and it holds nothing."""

    address: str
    exists: bool
    sequence: int = 0
    lines: dict[tuple[str, str], Line] | None = None  # by asset code and issuer; XLM is ("XLM", "")
    memo_required: bool = False
    signs: bool = True  # whether its own key alone may pay

    def line(self, code: str, issuer: str) -> Line | None:
        """What it holds of an asset; None without a trustline."""
        return (self.lines or {}).get((code, issuer))

    @property
    def xlm(self) -> int:
        """Stroops of XLM, reserves included."""
        native = self.line("XLM", "")
        return native.balance if native else 0


def account(address: str) -> Account:
    """The account as of Horizon's latest ledger. Raises ChainUnavailable."""
    answer = http.read(f"{current().horizon_url}/accounts/{address}")
    if answer.status == 404:
        return Account(address, exists=False)
    with http.in_known_shape("Horizon's account"):
        return Account(
            address,
            exists=True,
            sequence=int(answer.body["sequence"]),
            lines=dict(_line(balance) for balance in answer.body["balances"]),
            memo_required=MEMO_REQUIRED in (answer.body.get("data") or {}),
            signs=_signs(address, answer.body),
        )


def accounts(addresses: Iterable[str]) -> dict[str, Account | ChainUnavailable]:
    """Each of these accounts, or why it could not be read; at most AT_ONCE requests at a time."""
    wanted = list(dict.fromkeys(addresses))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="accounts") as pool:
        return dict(zip(wanted, pool.map(_account_or_error, wanted), strict=True))


def _account_or_error(address: str) -> Account | ChainUnavailable:
    try:
        return account(address)
    except ChainUnavailable as error:
        return error


def _signs(address: str, body: dict[str, Any]) -> bool:
    """By the weight of its own key. A server that tells of no signers tells of no change."""
    if "signers" not in body:
        return True
    weight = sum(int(s["weight"]) for s in body["signers"] if s["key"] == address)
    return weight >= max(int(body["thresholds"]["med_threshold"]), 1)


def _line(record: dict[str, Any]) -> tuple[tuple[str, str], Line]:
    if record["asset_type"] == "native":
        return ("XLM", ""), Line(from_chain(record["balance"]), MAX_AMOUNT, True)
    line = Line(
        from_chain(record["balance"]),
        from_chain(record.get("limit", "0")),
        record.get("is_authorized", True) is not False,
    )
    return (record.get("asset_code", ""), record.get("asset_issuer", "")), line


def receiving_account(destination: str, *, field: str = "destination") -> str:
    """The account behind a `G…` or `M…` address. Raises DestinationRefused by its form alone."""
    if StrKey.is_valid_ed25519_public_key(destination):
        return destination
    if StrKey.is_valid_med25519_public_key(destination):
        return str(MuxedAccount.from_account(destination).account_id)
    if StrKey.is_valid_contract(destination):
        raise _refuse(field, "contract", "is a contract; only accounts can be paid")
    raise _refuse(
        field, "invalid_address", "is not a Stellar address (G… or M…), or one was mistyped"
    )


def check_destination(
    destination: str, amount: int, *, has_memo: bool, field: str = "destination"
) -> None:
    """Raise DestinationRefused (member `reason`) unless this account can take this much USDC now.

    Asked before any debit, so that nobody's money is held for a payment that must fail. A muxed
    address carries its own id and needs no memo.
    """
    refuse_unless_it_takes(
        account(receiving_account(destination, field=field)),
        destination,
        amount,
        has_memo=has_memo,
        field=field,
    )


def refuse_unless_it_takes(
    found: Account, destination: str, amount: int, *, has_memo: bool, field: str = "destination"
) -> None:
    """The same of the destination's account as it was read."""
    network = current()
    if not found.exists:
        raise _refuse(field, "not_found", f"does not exist on the {network.name} network")
    line = found.line(network.asset_code, network.usdc_issuer)
    if line is None and found.address != network.usdc_issuer:
        raise _refuse(field, "no_trustline", f"has no trustline for {network.asset_code}")
    if line is not None and not line.authorized:
        raise _refuse(field, "not_authorized", "may not hold the asset: its issuer forbids it")
    if line is not None and line.limit - line.balance < amount:
        raise _refuse(field, "trustline_full", "has no room for this amount on its trustline")
    if found.memo_required and not has_memo and not destination.startswith("M"):
        raise _refuse(field, "memo_required", "takes payments with a memo only; add `memo`")


def _refuse(field: str, reason: str, text: str) -> DestinationRefused:
    return DestinationRefused(errors=[FieldError(field, reason, text)], reason=reason)
