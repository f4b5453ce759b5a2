"""Claimable balances: money that somebody set aside on the chain for an account to fetch.

They are no payments: nothing arrives before a claim, and Horizon's payments show neither the one
nor the other. What a claim brought is told by its effects, and by the token contract's events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from stellar_sdk import StrKey

from offerhub.chain import http, stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable, Envelope, Outcome, Transfer, Verdict
from offerhub.core.money import from_chain

Predicate = dict[str, Any]
PAGE = 200  # the most that Horizon gives
_DEEPEST = 8  # of predicates in each other; the network takes four
_LAST = 253_402_300_799  # the last second that has a date


class Unreadable(ValueError):
    """A predicate of a form that is not known."""


@dataclass(frozen=True)
class Claimable:
    """One balance as one of its claimants sees it; amounts in stroops. XLM has no issuer."""

    id: str
    asset_code: str
    asset_issuer: str
    amount: int
    sponsor: str  # who pays its reserve: who made it, as a rule
    predicate: Predicate
    ledger: int


# --- reading ----------------------------------------------------------------------------------
def listed(claimant: str, cursor: str = "") -> tuple[list[Claimable], str, bool]:
    """What there is for an account after a cursor, in the order in which it was made; the next
    cursor; and whether there may be more. One request. Raises ChainUnavailable."""
    answer = http.read(
        f"{current().horizon_url}/claimable_balances",
        params={"claimant": claimant, "cursor": cursor, "limit": str(PAGE), "order": "asc"},
    )
    with http.in_known_shape("Horizon's claimable balances"):
        rows = answer.body["_embedded"]["records"]
        after = str(rows[-1]["paging_token"]) if rows else cursor
        return [_claimable(row, claimant) for row in rows], after, len(rows) >= PAGE


def find(balance_id: str, claimant: str) -> Claimable | None:
    """One of them as it is now; None when it is gone. Raises ChainUnavailable."""
    answer = http.read(f"{current().horizon_url}/claimable_balances/{balance_id}")
    if answer.status == 404:
        return None
    with http.in_known_shape("Horizon's claimable balance"):
        return _claimable(answer.body, claimant)


def _claimable(row: dict[str, Any], claimant: str) -> Claimable:
    code, _, issuer = row["asset"].partition(":")
    mine = (one["predicate"] for one in row["claimants"] if one["destination"] == claimant)
    return Claimable(
        id=str(row["id"]),
        asset_code="XLM" if code == "native" else code,
        asset_issuer=issuer,
        amount=from_chain(row["amount"]),
        sponsor=str(row.get("sponsor") or ""),
        predicate=dict(next(mine, {})),
        ledger=int(row["last_modified_ledger"]),
    )


# --- when -------------------------------------------------------------------------------------
def opens_at(predicate: Predicate, now: datetime) -> datetime | None:
    """From when on it can be claimed: now when it can already, None when it never can any more.

    A predicate is made of "before" times alone, so what it says changes at these times and at no
    other. Raises Unreadable.
    """
    if _holds(predicate, now.timestamp()):
        return now
    later = sorted(at for at in _times(predicate) if at > now.timestamp())
    first = next((at for at in later if _holds(predicate, at)), None)
    return None if first is None else datetime.fromtimestamp(min(first, _LAST), UTC)


def _holds(predicate: Predicate, at: float, depth: int = 1) -> bool:
    if depth > _DEEPEST or not isinstance(predicate, dict) or len(_words(predicate)) != 1:
        raise Unreadable(str(predicate)[:100])
    (word,) = _words(predicate)
    inner = predicate[word]
    if word == "unconditional":
        return bool(inner)
    if word == "not":
        return not _holds(inner, at, depth + 1)
    if word in ("and", "or"):
        found = [_holds(one, at, depth + 1) for one in inner]
        return all(found) if word == "and" else any(found)
    return at < _before(predicate)


def _words(predicate: Predicate) -> list[str]:
    """What kind it is; the epoch only repeats the date beside it."""
    known = ("unconditional", "not", "and", "or", "abs_before")
    return [word for word in known if word in predicate]


def _times(predicate: Predicate) -> Iterator[int]:
    if "abs_before" in predicate:
        yield _before(predicate)
    for word in ("not", "and", "or"):
        inner = predicate.get(word, ())
        for one in [inner] if isinstance(inner, dict) else inner:
            yield from _times(one)


def _before(predicate: Predicate) -> int:
    """The number is exact where the date may be beyond the calendar; old servers lack it."""
    epoch = predicate.get("abs_before_epoch")
    try:
        if epoch is not None:
            return int(epoch)
        return int(datetime.fromisoformat(str(predicate["abs_before"])).timestamp())
    except ValueError as error:
        raise Unreadable(str(predicate)[:100]) from error


# --- claiming ---------------------------------------------------------------------------------
def build_claim(source: str, sequence: int, balance_id: str) -> Envelope:
    """The claim of a whole balance by one of its claimants, who pays the network."""
    builder = stellar.transaction_builder(source, sequence)
    builder.append_claim_claimable_balance_op(balance_id)
    return stellar.envelope_of(builder, source)


def look_up_claim(transaction_hash: str) -> Outcome:
    """As `stellar.look_up`, with what the claim brought: Horizon tells it in the effects alone.
    One request, and a second one when it succeeded."""
    outcome = stellar.look_up(transaction_hash)
    if outcome.verdict is not Verdict.CONFIRMED or outcome.fact is None:
        return outcome
    answer = http.read(
        f"{current().horizon_url}/transactions/{transaction_hash}/effects", params={"limit": "200"}
    )
    if answer.status == 404:
        raise ChainUnavailable("Horizon does not show the claim's effects yet")
    with http.in_known_shape("Horizon's effects"):
        brought = tuple(_brought(answer.body["_embedded"]["records"]))
    if not brought:
        raise ChainUnavailable("Horizon does not show the claim's effects yet")
    return replace(outcome, fact=replace(outcome.fact, transfers=brought))


def _brought(effects: list[dict[str, Any]]) -> Iterator[Transfer]:
    """The movement out of each balance that was claimed, named as the events name it."""
    for effect in effects:
        if effect["type"] != "claimable_balance_claimed":
            continue
        code, _, issuer = effect["asset"].partition(":")
        yield Transfer(
            operation=str(int(str(effect["id"]).partition("-")[0])),
            index=0,
            sender=address_of(str(effect["balance_id"])),
            recipient=str(effect["account"]),
            asset_code="XLM" if code == "native" else code,
            asset_issuer=issuer,
            amount=from_chain(effect["amount"]),
        )


def address_of(balance_id: str) -> str:
    """B…, as events name a balance: its kind in one byte, then its 32."""
    return StrKey.encode_claimable_balance(bytes.fromhex(balance_id[6:]))
