"""What one address did, transaction by transaction, newest first: for finding what a difference
between books and chain is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offerhub.chain import events, http, records
from offerhub.chain.network import current, usdc
from offerhub.chain.types import ChainUnavailable, Transfer

PAGE = 200  # the most that Horizon gives
PAGES = 10  # of one kind of record; what is older is not told
XLM = "XLM"


@dataclass(frozen=True)
class Change:
    """By how many stroops a transaction changed what an address holds of an asset."""

    hash: str
    ledger: int
    at: datetime
    amount: int


@dataclass(frozen=True)
class History:
    """Changes from ledger `since` on, by transaction. Zero is from the beginning."""

    changes: dict[str, Change]
    since: int


@dataclass(frozen=True)
class Sent:
    """A transaction that an account was charged for or took part in."""

    hash: str
    ledger: int
    at: datetime
    source: str
    fee_account: str
    fee: int
    successful: bool
    envelope: str


def changes_of(address: str, asset: str) -> History:
    """How an address came to hold what it holds of an asset, named as the books name it.

    Raises ChainUnavailable.
    """
    if address.startswith("C"):
        return _of_contract(address, asset)
    changes: dict[str, Change] = {}
    moved, since = _pages(address, "payments")
    for record in moved:
        if not record.get("transaction_successful", True):
            continue
        ledger, at = int(record["id"]) >> 32, records.instant(record["created_at"])
        for transfer in records.transfers_of(record):
            _add(changes, address, asset, transfer, str(record["transaction_hash"]), ledger, at)
    if asset == XLM:
        sent, from_ledger = _pages(address, "transactions")
        since = max(since, from_ledger)
        for one in map(_sent, sent):
            if one.fee_account == address:
                _count(changes, one.hash, one.ledger, one.at, -one.fee)
    return History({key: each for key, each in changes.items() if each.amount}, since)


def sent_by(address: str) -> tuple[list[Sent], int]:
    """The newest transactions of an account, newest first, and the ledger from which on they are
    complete. Raises ChainUnavailable."""
    found, since = _pages(address, "transactions")
    return [_sent(record) for record in found], since


def _sent(record: dict[str, Any]) -> Sent:
    return Sent(
        hash=str(record["hash"]),
        ledger=int(record["ledger"]),
        at=records.instant(record["created_at"]),
        source=str(record["source_account"]),
        fee_account=str(record["fee_account"]),
        fee=int(record["fee_charged"]),
        successful=bool(record["successful"]),
        envelope=str(record["envelope_xdr"]),
    )


def _pages(address: str, kind: str) -> tuple[list[dict[str, Any]], int]:
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(PAGES):
        answer = http.read(
            f"{current().horizon_url}/accounts/{address}/{kind}",
            params={
                "cursor": cursor,
                "limit": str(PAGE),
                "order": "desc",
                "include_failed": "true" if kind == "transactions" else "false",
            },
        )
        if answer.status == 404:
            return found, 0
        if not answer.ok:
            raise ChainUnavailable(f"Horizon answered {answer.status}")
        with http.in_known_shape(f"Horizon's {kind}"):
            rows = list(answer.body["_embedded"]["records"])
            found += rows
            if len(rows) < PAGE:
                return found, 0
            cursor = str(rows[-1]["paging_token"])
    return found, (int(cursor) >> 32) + 1


def _of_contract(address: str, asset: str) -> History:
    """Horizon has no history of contracts; RPC keeps some days of it."""
    _, oldest = events.newest_ledger()
    changes: dict[str, Change] = {}
    page = events.transfers_of(address, start_ledger=oldest)
    for _ in range(PAGES * PAGE):
        for seen in page.seen:
            _add(changes, address, asset, seen.transfer, seen.hash, seen.ledger, seen.closed_at)
        if not page.more and _through(page.cursor) >= page.latest_ledger:
            break
        page = events.transfers_of(address, cursor=page.cursor)
    since = oldest if oldest > 1 else 0
    return History({key: each for key, each in changes.items() if each.amount}, since)


def _through(cursor: str) -> int:
    head = cursor.partition("-")[0]
    return int(head) >> 32 if head.isdecimal() else 2**63


def _add(
    changes: dict[str, Change],
    address: str,
    asset: str,
    transfer: Transfer,
    transaction: str,
    ledger: int,
    at: datetime,
) -> None:
    if name_of(transfer) != asset:
        return
    amount = transfer.amount * ((transfer.recipient == address) - (transfer.sender == address))
    _count(changes, transaction, ledger, at, amount)


def _count(
    changes: dict[str, Change], transaction: str, ledger: int, at: datetime, amount: int
) -> None:
    known = changes.get(transaction)
    total = amount + (known.amount if known else 0)
    changes[transaction] = Change(transaction, ledger, at, total)


def name_of(transfer: Transfer) -> str:
    """The asset's name as the books write it."""
    genuine = usdc()
    if (transfer.asset_code, transfer.asset_issuer) in ((genuine.code, genuine.issuer), (XLM, "")):
        return transfer.asset_code
    return f"{transfer.asset_code}:{transfer.asset_issuer}"
