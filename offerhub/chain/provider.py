"""The escrow provider's API as such: building, sending, and what its index tells of contracts.

What it answers is never proof. Builds are read before they are signed; the outcome of a sent call
is looked up in the ledger by its hash.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from offerhub.budget import requests
from offerhub.chain import http
from offerhub.chain.inspection import Intent, read_call
from offerhub.chain.network import current, trustless_work_key
from offerhub.chain.provider_rules import rule_of
from offerhub.chain.turns import WAITS
from offerhub.chain.types import BuildRefused, ChainUnavailable, Envelope, Outcome, Verdict
from offerhub.core.money import UNIT, to_chain

MOST_BALANCES = 20  # contracts in one request, the contract's own limit
# A contract that we call is on the chain, so its absence is that of the provider's index.
_BEHIND = "escrow_not_found"


class OverLimit(ChainUnavailable):
    """The request was not made: the provider's limit leaves none now."""


class Number(int):
    """Stroops that are written into JSON as the decimal number they mean."""


@dataclass(frozen=True)
class EscrowPart:
    """A milestone as the provider shows it. Flags of a single-release contract are the escrow's."""

    status: str
    approved: bool
    disputed: bool
    released: bool
    resolved: bool


@dataclass(frozen=True)
class EscrowState:
    """A contract as the provider's index shows it; amounts in stroops. Released or resolved is one
    of which every part is.

    With `validate_on_chain` the provider reads the contract itself, else its index may be behind.
    """

    contract: str
    engagement: str
    kind: str
    amount: int
    balance: int
    disputed: bool
    released: bool
    resolved: bool
    parts: Sequence[EscrowPart]


def build(path: str, body: dict[str, Any], intent: Intent) -> Envelope:
    """Ask for an unsigned envelope and read it. Raises BuildRefused or EnvelopeRefused.

    A known rule is proof that the call can not be made, whatever status it came with; an outage, a
    limit and an index that is behind may pass, so those are transient.
    """
    try:
        answer = _post(path, body, http.READ)
    except ChainUnavailable as error:
        raise BuildRefused(
            _code_of(error), str(error), transient=True, retry_after=error.retry_after
        ) from error
    said = answer.body if isinstance(answer.body, dict) else {}
    if answer.ok and isinstance(said.get("unsignedTransaction"), str):
        return read_call(said["unsignedTransaction"], intent)
    message = _message(said)
    rule, pause = rule_of(message), answer.retry_after or http.DEFAULT_PAUSE
    if rule:
        raise BuildRefused(rule, message, transient=rule == _BEHIND, retry_after=pause)
    transient = answer.status in (401, 403, 408, 429) or answer.status >= 500 or answer.ok
    raise BuildRefused(f"http_{answer.status}", message, transient=transient, retry_after=pause)


def send(signed_xdr: str) -> Outcome:
    """Hand a signed call to the provider, who submits it. Never proof: look the hash up.

    UNKNOWN always; `code` is empty when the provider says that it went well.
    """
    try:
        answer = _post("/helper/send-transaction", {"signedXdr": signed_xdr}, http.SUBMIT)
    except ChainUnavailable as error:
        pause = error.retry_after if isinstance(error, OverLimit) else None
        code, detail = _code_of(error), str(error)
        return Outcome(Verdict.UNKNOWN, code=code, detail=detail, retry_after=pause)
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.ok and body.get("status") == "SUCCESS":
        return Outcome(Verdict.UNKNOWN)
    code = "provider_failed" if answer.ok else f"http_{answer.status}"
    detail = _message(body)
    return Outcome(Verdict.UNKNOWN, code=code, detail=detail, retry_after=answer.retry_after)


def read_again(transaction_hash: str) -> None:
    """Make the provider's index read a transaction that it may have missed, as after a lost
    answer. Raises ChainUnavailable."""
    answer = _post("/indexer/update-from-txHash", {"txHash": transaction_hash}, http.READ)
    if not answer.ok:
        raise ChainUnavailable(f"the escrow provider answered {answer.status}")


def escrows(contracts: Sequence[str], *, validate_on_chain: bool = True) -> list[EscrowState]:
    """Contracts by their ids, those that the provider knows. Raises ChainUnavailable."""
    fresh = "true" if validate_on_chain else "false"
    params = {"contractIds[]": list(contracts), "validateOnChain": fresh}
    return _states(_get("/helper/get-escrow-by-contract-ids", params))


def find_by_engagement(signer: str, engagement: str) -> list[EscrowState]:
    """The contracts that an account deployed for one of our orders: there may be none, or several.

    The way back after an answer to a deployment was lost. Raises ChainUnavailable.
    """
    params = {"signer": signer, "engagementId": engagement, "validateOnChain": "true"}
    found = _states(_get("/helper/get-escrows-by-signer", params))
    return [state for state in found if state.engagement == engagement]


def balances(contracts: Sequence[str]) -> dict[str, int]:
    """What contracts hold now, in stroops. Raises ChainUnavailable, also when one is not known."""
    found: dict[str, int] = {}
    for start in range(0, len(contracts), MOST_BALANCES):
        part = list(contracts[start : start + MOST_BALANCES])
        answer = _get("/helper/get-multiple-escrow-balance", {"addresses[]": part})
        with http.in_known_shape("the provider's balances"):
            found |= {str(row["address"]): stroops(row["balance"]) for row in answer.exact()}
    missing = [contract for contract in contracts if contract not in found]
    if missing:
        raise ChainUnavailable(f"the provider does not know {missing[0]} yet")
    return found


def balance(contract: str) -> int:
    """What one contract holds now, in stroops. Raises ChainUnavailable."""
    return balances([contract])[contract]


def stroops(value: Any) -> int:
    """Of a JSON number in whole USDC, read as int or Decimal. Raises ValueError for others."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a number")
    scaled = value * UNIT
    if scaled != int(scaled):
        raise ValueError("finer than a stroop")
    return int(scaled)


def _states(answer: http.Answer) -> list[EscrowState]:
    with http.in_known_shape("the provider's escrows"):
        return [_state(row) for row in answer.exact()]


def _state(row: dict[str, Any]) -> EscrowState:
    own = row.get("flags") or {}
    parts = [_part(milestone, own) for milestone in row["milestones"]]
    return EscrowState(
        contract=str(row["contractId"]),
        engagement=str(row["engagementId"]),
        kind=str(row["type"]),
        amount=stroops(row["amount"]),
        balance=stroops(row["balance"]),
        disputed=any(part.disputed for part in parts),
        released=all(part.released for part in parts),
        resolved=all(part.resolved for part in parts),
        parts=parts,
    )


def _part(milestone: dict[str, Any], escrow_flags: dict[str, Any]) -> EscrowPart:
    flags = milestone.get("flags") or {**escrow_flags, "approved": milestone.get("approved")}
    return EscrowPart(
        status=str(milestone.get("status") or ""),
        approved=bool(flags.get("approved")),
        disputed=bool(flags.get("disputed")),
        released=bool(flags.get("released")),
        resolved=bool(flags.get("resolved")),
    )


def _post(path: str, body: dict[str, Any], limit: tuple[float, float]) -> http.Answer:
    return _call("POST", path, content=_encode(body).encode(), limit=limit)


def _get(path: str, params: dict[str, Any]) -> http.Answer:
    """A read of the index. What it does not know is not an answer: it may only be behind."""
    answer = _call("GET", path, params=params)
    if answer.ok:
        return answer
    message = _message(answer.body if isinstance(answer.body, dict) else {})
    raise ChainUnavailable(
        f"the escrow provider answered {answer.status}: {message}",
        retry_after=answer.retry_after or http.DEFAULT_PAUSE,
    )


def _call(method: str, path: str, **more: Any) -> http.Answer:
    """The one place from which the provider is asked: each request counts against its limit."""
    if pause := requests.spend():
        raise OverLimit("all requests that the escrow provider allows are used", retry_after=pause)
    key = {"x-api-key": trustless_work_key()}
    answer = http.call(method, current().trustless_work_url + path, headers=key, **more)
    if answer.status == 429:
        requests.hold_all(answer.retry_after)
    return answer


def _code_of(error: ChainUnavailable) -> str:
    return WAITS if isinstance(error, OverLimit) else "no_answer"


def _encode(value: Any) -> str:
    """JSON, in which a Number has exactly the digits that are meant."""
    if isinstance(value, Number):
        return to_chain(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(name)}:{_encode(item)}" for name, item in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_encode(item) for item in value) + "]"
    return json.dumps(value)


def _message(body: Mapping[str, Any]) -> str:
    said = body.get("message") or body.get("error") or ""
    return "; ".join(map(str, said)) if isinstance(said, list) else str(said)
