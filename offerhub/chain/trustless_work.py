"""The escrow provider's v1 API: each call built there, read here, and handed back to be signed.

Builds have no effects. Amounts go out as JSON numbers with exactly the digits that are meant.
Orders have at most two decimals, for which the contract's arithmetic is exact.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from offerhub.chain import http
from offerhub.chain.inspection import Intent, TokenTransfer, read_call, require
from offerhub.chain.network import current, sandbox_facts, trustless_work_key, usdc_contract
from offerhub.chain.provider_rules import rule_of
from offerhub.chain.types import BuildRefused, ChainUnavailable, Envelope, Outcome, Verdict
from offerhub.core.money import UNIT, to_chain

SINGLE, MULTI = "single-release", "multi-release"


@dataclass(frozen=True)
class Roles:
    """Who may do what in a contract; addresses."""

    buyer: str
    seller: str
    platform: str
    resolver: str


@dataclass(frozen=True)
class Part:
    """One milestone: what is delivered, and its amount in stroops."""

    description: str
    amount: int


@dataclass(frozen=True)
class NewEscrow:
    """A contract to deploy. `engagement` is our order's id."""

    kind: str
    engagement: str
    title: str
    description: str
    roles: Roles
    fee_percent: int
    parts: Sequence[Part]

    @property
    def amount(self) -> int:
        """All parts together, in stroops."""
        return sum(part.amount for part in self.parts)


# --- the calls, one method each ---------------------------------------------------------------
def deploy(signer: str, new: NewEscrow) -> Envelope:
    """The contract itself. `meta["contract_id"]` of the envelope is its address to be."""
    roles = {
        "approver": new.roles.buyer,
        "serviceProvider": new.roles.seller,
        "platformAddress": new.roles.platform,
        "releaseSigner": new.roles.buyer,
        "disputeResolver": new.roles.resolver,
    }
    body: dict[str, Any] = {
        "signer": signer,
        "engagementId": new.engagement,
        "title": new.title,
        "description": new.description,
        "roles": roles,
        "platformFee": new.fee_percent,
        "trustline": {"address": current().usdc_issuer, "symbol": current().asset_code},
    }
    if new.kind == SINGLE:
        roles["receiver"] = new.roles.seller
        body |= {"amount": _Number(new.amount)}
        body |= {"milestones": [{"description": part.description} for part in new.parts]}
    else:
        body["milestones"] = [
            {
                "description": part.description,
                "amount": _Number(part.amount),
                "receiver": new.roles.seller,
            }
            for part in new.parts
        ]
    intent = Intent(
        signer=signer,
        contract="",
        function=f"tw_new_{new.kind.replace('-', '_')}_escrow",
        check=lambda args: _check_deploy(args, signer, new),
        factories=_factories(),
    )
    return _build(f"/deployer/{new.kind}", body, intent)


def fund(kind: str, contract: str, signer: str, amount: int) -> Envelope:
    """The signer's USDC into the contract."""

    def check(args: list[Any]) -> None:
        require(len(args) == 3 and isinstance(args[1], dict), "it has other arguments")
        require(args[0] == signer, "another account funds it")
        require(args[2] == amount, "it funds another amount")

    body = {"contractId": contract, "signer": signer, "amount": _Number(amount)}
    transfer = TokenTransfer(usdc_contract(), contract, amount)
    intent = Intent(signer, contract, "fund_escrow", check, transfer=transfer)
    return _build(f"/escrow/{kind}/fund-escrow", body, intent)


def change_status(
    kind: str, contract: str, seller: str, index: int, status: str, evidence: str
) -> Envelope:
    """The seller says how far a milestone is."""

    def check(args: list[Any]) -> None:
        require(len(args) == 4, "it has other arguments")
        require(args[0] == index, "it changes another milestone")
        require(args[1] == status, "it sets another status")
        require(args[2] in (evidence, evidence or None), "it gives other evidence")
        require(args[3] == seller, "another account changes it")

    body = {
        "contractId": contract,
        "milestoneIndex": str(index),
        "newStatus": status,
        "newEvidence": evidence,
        "serviceProvider": seller,
    }
    intent = Intent(seller, contract, "change_milestone_status", check)
    return _build(f"/escrow/{kind}/change-milestone-status", body, intent)


def approve(kind: str, contract: str, buyer: str, index: int) -> Envelope:
    """The buyer accepts a milestone; this can not be taken back."""

    def check(args: list[Any]) -> None:
        require(args == [index, buyer], "it approves something else, or for another account")

    body = {"contractId": contract, "milestoneIndex": str(index), "approver": buyer}
    intent = Intent(buyer, contract, "approve_milestone", check)
    return _build(f"/escrow/{kind}/approve-milestone", body, intent)


def release(kind: str, contract: str, buyer: str, index: int) -> Envelope:
    """The contract pays the seller, for the whole or for one milestone."""

    def check(args: list[Any]) -> None:
        meant = [buyer] if kind == SINGLE else [buyer, index]
        require(_without_fee_address(args, 1) == meant, "it releases something else")

    body = {"contractId": contract, "releaseSigner": buyer}
    if kind == SINGLE:
        intent = Intent(buyer, contract, "release_funds", check)
        return _build(f"/escrow/{kind}/release-funds", body, intent)
    intent = Intent(buyer, contract, "release_milestone_funds", check)
    body["milestoneIndex"] = str(index)
    return _build(f"/escrow/{kind}/release-milestone-funds", body, intent)


def dispute(kind: str, contract: str, signer: str, index: int) -> Envelope:
    """Freeze the whole, or one milestone."""

    def check(args: list[Any]) -> None:
        expected = [signer] if kind == SINGLE else [index, signer]
        require(args == expected, "it disputes something else, or for another account")

    body = {"contractId": contract, "signer": signer}
    if kind == SINGLE:
        intent = Intent(signer, contract, "dispute_escrow", check)
        return _build(f"/escrow/{kind}/dispute-escrow", body, intent)
    intent = Intent(signer, contract, "dispute_milestone", check)
    body["milestoneIndex"] = str(index)
    return _build(f"/escrow/{kind}/dispute-milestone", body, intent)


def resolve(
    kind: str, contract: str, resolver: str, index: int, shares: Mapping[str, int]
) -> Envelope:
    """Settle a dispute: address → stroops. A party that gets nothing is left out."""
    given = {address: amount for address, amount in shares.items() if amount}

    def check(args: list[Any]) -> None:
        meant = [resolver, given] if kind == SINGLE else [resolver, index, given]
        said = _without_fee_address(args, len(meant) - 1)
        require(said == meant, "it pays other amounts or accounts, or for something else")

    body: dict[str, Any] = {
        "contractId": contract,
        "disputeResolver": resolver,
        "distributions": [
            {"address": address, "amount": _Number(amount)} for address, amount in given.items()
        ],
    }
    if kind == SINGLE:
        intent = Intent(resolver, contract, "resolve_dispute", check)
        return _build(f"/escrow/{kind}/resolve-dispute", body, intent)
    intent = Intent(resolver, contract, "resolve_milestone_dispute", check)
    body["milestoneIndex"] = str(index)
    return _build(f"/escrow/{kind}/resolve-milestone-dispute", body, intent)


# --- sending and reading ----------------------------------------------------------------------
def send(signed_xdr: str) -> Outcome:
    """Hand a signed call to the provider, who submits it. Never proof: look the hash up."""
    try:
        answer = _call("POST", "/helper/send-transaction", {"signedXdr": signed_xdr}, http.SUBMIT)
    except ChainUnavailable as error:
        return Outcome(Verdict.UNKNOWN, code="no_answer", detail=str(error))
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.ok and body.get("status") == "SUCCESS":
        return Outcome(Verdict.UNKNOWN)
    code = "provider_failed" if answer.ok else f"http_{answer.status}"
    detail = _message(body)
    return Outcome(Verdict.UNKNOWN, code=code, detail=detail, retry_after=answer.retry_after)


def balance(contract: str) -> int:
    """What a contract holds now, in stroops. Raises ChainUnavailable."""
    answer = http.read(
        f"{current().trustless_work_url}/helper/get-multiple-escrow-balance",
        params={"addresses[]": [contract]},
        headers={"x-api-key": trustless_work_key()},
    )
    rows = answer.body if isinstance(answer.body, list) else []
    for row in rows:
        if row.get("address") == contract:
            return int(Decimal(str(row["balance"])) * UNIT)  # str: the digits that were sent
    raise ChainUnavailable("the provider does not know this contract yet")


class _Number(int):
    """Stroops that are written into JSON as the decimal number they mean."""


def _encode(value: Any) -> str:
    if isinstance(value, _Number):
        return to_chain(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(name)}:{_encode(item)}" for name, item in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_encode(item) for item in value) + "]"
    return json.dumps(value)


def _call(
    method: str, path: str, body: dict[str, Any], limit: tuple[float, float] = http.READ
) -> http.Answer:
    return http.call(
        method,
        current().trustless_work_url + path,
        content=_encode(body).encode(),
        headers={"x-api-key": trustless_work_key()},
        limit=limit,
    )


def _build(path: str, body: dict[str, Any], intent: Intent) -> Envelope:
    """Ask for an unsigned envelope and read it. Raises BuildRefused or EnvelopeRefused."""
    try:
        answer = _call("POST", path, body)
    except ChainUnavailable as error:
        raise BuildRefused("no_answer", str(error), transient=True) from error
    said = answer.body if isinstance(answer.body, dict) else {}
    if answer.ok and isinstance(said.get("unsignedTransaction"), str):
        return read_call(said["unsignedTransaction"], intent)
    message = _message(said)
    rule = rule_of(message)
    if rule:
        raise BuildRefused(rule, message)
    pause = answer.retry_after or http.DEFAULT_PAUSE
    transient = answer.status in (401, 403, 408, 429) or answer.status >= 500 or answer.ok
    raise BuildRefused(f"http_{answer.status}", message, transient=transient, retry_after=pause)


def _message(body: Mapping[str, Any]) -> str:
    said = body.get("message") or body.get("error") or ""
    return "; ".join(map(str, said)) if isinstance(said, list) else str(said)


def _factories() -> Sequence[str]:
    if settings.OFFERHUB_NETWORK == "sandbox":
        return [str(sandbox_facts(settings.SANDBOX_URL)["factoryAddress"])]
    return list(settings.ESCROW_FACTORIES)


def _without_fee_address(args: list[Any], position: int) -> list[Any]:
    """The arguments without the provider's fee address, which some networks' contracts take.

    Where it is given it must be the one that is known, or fees would go to somebody else.
    """
    given = args[position] if position < len(args) else None
    if not isinstance(given, str):
        return args
    known = _fee_addresses()
    require(not known or given in known, "the provider's fee goes to an unknown account")
    return args[:position] + args[position + 1 :]


def _fee_addresses() -> Sequence[str]:
    if settings.OFFERHUB_NETWORK == "sandbox":
        return [str(sandbox_facts(settings.SANDBOX_URL)["trustlessWorkFeeAddress"])]
    return list(settings.ESCROW_FEE_ADDRESSES)


def _check_deploy(args: list[Any], signer: str, new: NewEscrow) -> None:
    require(len(args) == 5 or args[5:] == [[]], "it has other arguments")
    require(args[0] == signer, "another account deploys it")
    require(args[3] == "initialize_escrow", "it runs another initialisation")
    (said,) = args[4]
    roles = said["roles"]
    require(roles["approver"] == new.roles.buyer, "another account approves")
    require(roles["release_signer"] == new.roles.buyer, "another account releases")
    require(roles["service_provider"] == new.roles.seller, "another account delivers")
    require(roles["dispute_resolver"] == new.roles.resolver, "another account resolves")
    platform = roles.get("platform_address", roles.get("platform"))
    require(platform == new.roles.platform, "the fee goes to another account")
    require(said["engagement_id"] == new.engagement, "it is for another order")
    require(said["platform_fee"] == new.fee_percent * 100, "it takes another fee")
    require(said["trustline"]["address"] == usdc_contract(), "it holds another asset")
    require(len(said["milestones"]) == len(new.parts), "it has other milestones")
    if new.kind == SINGLE:
        require(said["amount"] == new.amount, "it is for another amount")
        require(roles["receiver"] == new.roles.seller, "another account is paid")
        return
    for part, milestone in zip(new.parts, said["milestones"], strict=True):
        require(milestone["amount"] == part.amount, "a milestone has another amount")
        require(milestone["receiver"] == new.roles.seller, "a milestone pays another account")
