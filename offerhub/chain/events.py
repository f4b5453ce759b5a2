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

import orjson
from stellar_sdk import Asset, scval, xdr

from offerhub.chain import http
from offerhub.chain.inspection import native
from offerhub.chain.network import current, usdc_contract
from offerhub.chain.records import instant
from offerhub.chain.types import ChainUnavailable, Transfer

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
    found: dict[str, Any] = {
        "type": "contract",
        "topics": [[_symbol(kind), "**"] for kind in KINDS],
    }
    if not every_asset:
        found["contractIds"] = [usdc_contract(), _contract("XLM", "")]
    pagination: dict[str, Any] = {"limit": limit}
    params: dict[str, Any] = {"filters": [found], "pagination": pagination}
    if cursor:
        pagination["cursor"] = cursor
    else:
        params["startLedger"] = start_ledger
    result = _call("getEvents", params)
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
    result = _call("getHealth", {})
    return int(result["latestLedger"]), int(result["oldestLedger"])


def _call(method: str, params: dict[str, Any]) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = http.call("POST", current().rpc_url, content=orjson.dumps(request))
    if not answer.ok or not isinstance(answer.body, dict):
        raise ChainUnavailable(
            f"RPC answered {answer.status}", retry_after=answer.retry_after or http.DEFAULT_PAUSE
        )
    error = answer.body.get("error")
    if error:
        raise _refusal(str(error.get("message", "")))
    result: dict[str, Any] = answer.body["result"]
    return result


def _refusal(message: str) -> Exception:
    """The server words an old and a too new cursor alike, with the range that it keeps."""
    if "ledger range" not in message:
        return ChainUnavailable(f"RPC: {message}")
    newest, oldest = newest_ledger()
    return OutOfRange(newest, oldest)


def _whole_operations(
    events: list[dict[str, Any]], position: str
) -> tuple[list[dict[str, Any]], str]:
    """Cut a full page before its last operation, whose further events may be on the next one."""
    last = _operation(events[-1])
    whole = [event for event in events if _operation(event) != last]
    return (whole, str(whole[-1]["id"])) if whole else (events, position)


def _operation(event: dict[str, Any]) -> str:
    """Horizon's id of the operation: an event's id begins with it, filled with zeros."""
    return str(int(str(event["id"]).partition("-")[0]))


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
    """The movement that an event tells of; None when it is not the asset's own contract's.

    Within an operation movements are counted per asset, which Horizon's records allow as well, so
    that both sources name a movement alike.
    """
    topics = [native(xdr.SCVal.from_xdr(topic)) for topic in event["topic"]]
    kind, asset = topics[0], topics[-1]
    if len(topics) != (4 if kind == "transfer" else 3) or not isinstance(asset, str):
        return None
    code, issuer = _asset(asset)
    if not code or _contract(code, issuer) != event["contractId"]:
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
    """The amount, and the id of a muxed recipient when one was named."""
    if isinstance(value, dict):
        return int(value["amount"]), str(value.get("to_muxed_id") or "")
    return int(value), ""


def _asset(text: str) -> tuple[str, str]:
    if text == "native":
        return "XLM", ""
    code, _, issuer = text.partition(":")
    return (code, issuer) if issuer else ("", "")


@cache
def _symbol(name: str) -> str:
    return scval.to_symbol(name).to_xdr()


def _contract(code: str, issuer: str) -> str:
    return _contract_of(code, issuer, current().passphrase)


@cache
def _contract_of(code: str, issuer: str, passphrase: str) -> str:
    try:
        asset = Asset(code, issuer) if issuer else Asset.native()
        return str(asset.contract_id(passphrase))
    except Exception:
        return ""


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
