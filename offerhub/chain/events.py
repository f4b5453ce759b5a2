"""Token movements of the whole network in order, from the RPC server: one cursor for all wallets.

Since protocol 23 every movement of an asset, classic or by a contract, is an event of the asset's
own contract. What an event says of itself is not believed: its contract must be the one that
belongs to the asset it names.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from stellar_sdk import scval, xdr

from offerhub.chain import http, rpc
from offerhub.chain.network import token_contract, usdc_contract
from offerhub.chain.records import instant
from offerhub.chain.types import Transfer
from offerhub.chain.values import native

PAGE = 1000  # events a request
KINDS = ("transfer", "mint", "burn", "clawback")


class OutOfRange(Exception):
    """The cursor is outside of what the RPC server keeps, ledgers `oldest` to `newest`.

    Older: what it has forgotten must be read from Horizon. Newer: it is another network, or one
    that was reset.
    """

    def __init__(self, newest: int, oldest: int) -> None:
        self.newest, self.oldest = newest, oldest
        super().__init__(f"the RPC server keeps ledgers {oldest} to {newest}")


@dataclass(frozen=True)
class Seen:
    """A movement with the transaction that made it."""

    transfer: Transfer
    hash: str
    ledger: int
    closed_at: datetime


@dataclass(frozen=True)
class Quarantined:
    """An event that could not be read. It is kept for people to look at; nothing is credited."""

    id: str
    hash: str
    ledger: int
    reason: str
    raw: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Movements in the order of the ledgers, and where to go on. `more`: ask again at once."""

    seen: Sequence[Seen]
    quarantined: Sequence[Quarantined]
    cursor: str
    more: bool
    latest_ledger: int
    latest_closed_at: datetime
    oldest_ledger: int


def transfer_events(
    *, cursor: str = "", start_ledger: int = 0, limit: int = PAGE, every_asset: bool = False
) -> Page:
    """The movements after a cursor, or from a ledger on; of USDC and XLM, or of every asset.

    Raises OutOfRange and ChainUnavailable.
    """
    topics = [[_symbol(kind), "**"] for kind in KINDS]
    return _transfers(topics, cursor, start_ledger, limit, every_asset)


def transfers_of(address: str, *, cursor: str = "", start_ledger: int = 0) -> Page:
    """The same of one account or contract alone, of every asset."""
    who = scval.to_address(address).to_xdr()
    topics = [
        [_symbol("transfer"), who, "**"],
        [_symbol("transfer"), "*", who, "**"],
        *([_symbol(kind), who, "**"] for kind in KINDS[1:]),
    ]
    return _transfers(topics, cursor, start_ledger, PAGE, True)


def _transfers(
    topics: list[list[str]], cursor: str, start_ledger: int, limit: int, every_asset: bool
) -> Page:
    found: dict[str, Any] = {"type": "contract", "topics": topics}
    if not every_asset:
        found["contractIds"] = [usdc_contract(), token_contract("XLM", "")]
    pagination: dict[str, Any] = {"limit": limit}
    params: dict[str, Any] = {"filters": [found], "pagination": pagination}
    if cursor:
        pagination["cursor"] = cursor
    else:
        params["startLedger"] = start_ledger
    result = _events(params)
    with http.in_known_shape("RPC's events"):
        return _page(result, cursor, limit)


def _page(result: dict[str, Any], cursor: str, limit: int) -> Page:
    more = len(result["events"]) >= limit
    # Servers may tell an event twice; counted twice it would be credited twice.
    events = list({event["id"]: event for event in result["events"]}.values())
    position = str(result.get("cursor") or (events[-1]["id"] if events else cursor))
    if more:
        events, position = _whole_operations(events, position)
    seen, quarantined = _read(events)
    return Page(
        seen=seen,
        quarantined=quarantined,
        cursor=position,
        more=more,
        latest_ledger=int(result["latestLedger"]),
        latest_closed_at=_instant(result["latestLedgerCloseTime"]),
        oldest_ledger=int(result["oldestLedger"]),
    )


def newest_ledger() -> tuple[int, int]:
    """The RPC server's newest and oldest ledger."""
    result = rpc.call("getHealth")
    with http.in_known_shape("RPC's health"):
        return int(result["latestLedger"]), int(result["oldestLedger"])


def _events(params: dict[str, Any]) -> dict[str, Any]:
    """The server words an old and a too new cursor alike, with the range that it keeps."""
    try:
        return rpc.call("getEvents", params)
    except rpc.RpcRefused as refusal:
        if "ledger range" not in str(refusal):
            raise
        newest, oldest = newest_ledger()
        raise OutOfRange(newest, oldest) from refusal


def _whole_operations(
    events: list[dict[str, Any]], position: str
) -> tuple[list[dict[str, Any]], str]:
    """Cut a full page before its last operation, whose further events may be on the next one."""
    last = _operation(events[-1])
    whole = [event for event in events if _operation(event) != last]
    return (whole, str(whole[-1]["id"])) if whole else (events, position)


def _operation(event: dict[str, Any]) -> str:
    """Horizon's id of the operation.

    The event's own id will not do: it begins with such a number too, but RPC counts a
    transaction's operations from 0 and Horizon from 1. A deposit named by it would be credited a
    second time when Horizon tells of it.
    """
    transaction, operation = int(event["transactionIndex"]), int(event["operationIndex"])
    return str((int(event["ledger"]) << 32) | (transaction << 12) | (operation + 1))


def _read(events: list[dict[str, Any]]) -> tuple[list[Seen], list[Quarantined]]:
    seen: list[Seen] = []
    quarantined: list[Quarantined] = []
    for _, group in itertools.groupby(events, key=_operation):
        ranks: dict[str, int] = {}
        for event in group:
            try:
                one = _movement(event, ranks)
            except Exception as error:
                quarantined.append(_quarantine(event, error))
                continue
            if one is not None:
                seen.append(one)
    return seen, quarantined


def _movement(event: dict[str, Any], ranks: dict[str, int]) -> Seen | None:
    """The movement that an event tells of; None when it is not the asset's own contract's, or of a
    call that failed.

    Within an operation movements are counted per asset, which Horizon's records allow as well, so
    that both sources name a movement alike.
    """
    if event.get("inSuccessfulContractCall") is False:
        return None
    topics = [native(xdr.SCVal.from_xdr(topic)) for topic in event["topic"]]
    kind, asset = topics[0], topics[-1]
    if len(topics) != (4 if kind == "transfer" else 3) or not isinstance(asset, str):
        return None
    code, issuer = _asset(asset)
    genuine = token_contract(code, issuer) if code else ""
    if not genuine or genuine != event["contractId"]:
        return None
    rank = ranks.get(asset, 0)
    ranks[asset] = rank + 1
    amount, muxed = _amount(native(xdr.SCVal.from_xdr(event["value"])))
    transfer = Transfer(
        operation=_operation(event),
        index=rank,
        sender="" if kind == "mint" else str(topics[1]),
        recipient={"transfer": str(topics[2]), "mint": str(topics[1])}.get(kind, ""),
        asset_code=code,
        asset_issuer=issuer,
        amount=amount,
        recipient_muxed_id=muxed,
    )
    return Seen(transfer, event["txHash"], int(event["ledger"]), instant(event["ledgerClosedAt"]))


def _amount(value: Any) -> tuple[int, str]:
    """The amount, and the id of a muxed recipient when one was named; a memo stands there too."""
    if not isinstance(value, dict):
        return int(value), ""
    muxed = value.get("to_muxed_id")
    text = muxed.hex() if isinstance(muxed, bytes) else "" if muxed is None else str(muxed)
    return int(value["amount"]), text


def _asset(text: str) -> tuple[str, str]:
    if text == "native":
        return "XLM", ""
    code, _, issuer = text.partition(":")
    return (code, issuer) if issuer else ("", "")


@cache
def _symbol(name: str) -> str:
    return scval.to_symbol(name).to_xdr()


def _quarantine(event: dict[str, Any], error: Exception) -> Quarantined:
    return Quarantined(
        id=str(event.get("id", "")),
        hash=str(event.get("txHash", "")),
        ledger=int(event.get("ledger", 0)),
        reason=f"{type(error).__name__}: {error}"[:500],
        raw=event,
    )


def _instant(value: Any) -> datetime:
    text = str(value)
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else instant(text)
