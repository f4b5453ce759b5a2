"""The escrow provider's v1 API: each call built there, read here, and handed back to be signed.

Builds have no effects. Amounts go out as JSON numbers with exactly the digits that are meant.
Orders have at most two decimals, for which the contract's arithmetic is exact.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from offerhub.chain.inspection import Intent, TokenTransfer, require
from offerhub.chain.network import current, sandbox_facts, usdc_contract
from offerhub.chain.provider import (
    EscrowPart,
    EscrowState,
    Number,
    balance,
    balances,
    build,
    escrows,
    find_by_engagement,
    read_again,
    send,
)
from offerhub.chain.terms import (
    MULTI,
    SINGLE,
    NewEscrow,
    Part,
    Roles,
    check_deployment,
    check_escrow,
)
from offerhub.chain.types import BuildRefused, Envelope

__all__ = [
    "MULTI",
    "SINGLE",
    "EscrowPart",
    "EscrowState",
    "NewEscrow",
    "Part",
    "Roles",
    "approve",
    "balance",
    "balances",
    "change_status",
    "deploy",
    "dispute",
    "escrows",
    "find_by_engagement",
    "fund",
    "protocol_fee_bps",
    "read_again",
    "release",
    "resolve",
    "send",
    "withdraw_remaining",
]


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
        body |= {"amount": Number(new.amount)}
        body |= {"milestones": [{"description": part.description} for part in new.parts]}
    else:
        body["milestones"] = [
            {
                "description": part.description,
                "amount": Number(part.amount),
                "receiver": new.roles.seller,
            }
            for part in new.parts
        ]
    intent = Intent(
        signer=signer,
        contract="",
        function=f"tw_new_{new.kind.replace('-', '_')}_escrow",
        check=lambda args: check_deployment(args, signer, new),
        factories=_factories(),
    )
    return build(f"/deployer/{new.kind}", body, intent)


def fund(
    kind: str, contract: str, signer: str, amount: int, deal: NewEscrow | None = None
) -> Envelope:
    """The signer's USDC into the contract.

    The call carries what the contract is expected to say, and the contract refuses when it says
    something else. With `deal` that expectation is compared with what was deployed.
    """

    def check(args: list[Any]) -> None:
        require(len(args) == 3 and isinstance(args[1], dict), "it has other arguments")
        require(args[0] == signer, "another account funds it")
        require(args[2] == amount, "it funds another amount")
        require(args[1]["trustline"]["address"] == usdc_contract(), "it holds another asset")
        if deal is not None:
            check_escrow(args[1], deal)

    body = {"contractId": contract, "signer": signer, "amount": Number(amount)}
    transfer = TokenTransfer(usdc_contract(), contract, amount)
    intent = Intent(signer, contract, "fund_escrow", check, transfer=transfer)
    return build(f"/escrow/{kind}/fund-escrow", body, intent)


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
    return build(f"/escrow/{kind}/change-milestone-status", body, intent)


def approve(kind: str, contract: str, buyer: str, index: int) -> Envelope:
    """The buyer accepts a milestone; this can not be taken back."""

    def check(args: list[Any]) -> None:
        require(args == [index, buyer], "it approves something else, or for another account")

    body = {"contractId": contract, "milestoneIndex": str(index), "approver": buyer}
    intent = Intent(buyer, contract, "approve_milestone", check)
    return build(f"/escrow/{kind}/approve-milestone", body, intent)


def release(kind: str, contract: str, buyer: str, index: int) -> Envelope:
    """The contract pays the seller, for the whole or for one milestone."""

    def check(args: list[Any]) -> None:
        meant = [buyer] if kind == SINGLE else [buyer, index]
        require(_without_fee_address(args, 1) == meant, "it releases something else")

    body = {"contractId": contract, "releaseSigner": buyer}
    if kind == SINGLE:
        intent = Intent(buyer, contract, "release_funds", check)
        return build(f"/escrow/{kind}/release-funds", body, intent)
    intent = Intent(buyer, contract, "release_milestone_funds", check)
    body["milestoneIndex"] = str(index)
    return build(f"/escrow/{kind}/release-milestone-funds", body, intent)


def dispute(kind: str, contract: str, signer: str, index: int) -> Envelope:
    """Freeze the whole, or one milestone."""

    def check(args: list[Any]) -> None:
        expected = [signer] if kind == SINGLE else [index, signer]
        require(args == expected, "it disputes something else, or for another account")

    body = {"contractId": contract, "signer": signer}
    if kind == SINGLE:
        intent = Intent(signer, contract, "dispute_escrow", check)
        return build(f"/escrow/{kind}/dispute-escrow", body, intent)
    intent = Intent(signer, contract, "dispute_milestone", check)
    body["milestoneIndex"] = str(index)
    return build(f"/escrow/{kind}/dispute-milestone", body, intent)


def resolve(
    kind: str, contract: str, resolver: str, index: int, shares: Mapping[str, int]
) -> Envelope:
    """Settle a dispute: address → stroops. A party that gets nothing is left out."""
    given = _given(shares)

    def check(args: list[Any]) -> None:
        meant = [resolver, given] if kind == SINGLE else [resolver, index, given]
        said = _without_fee_address(args, len(meant) - 1)
        require(said == meant, "it pays other amounts or accounts, or for something else")

    body: dict[str, Any] = {
        "contractId": contract,
        "disputeResolver": resolver,
        "distributions": _distributions(given),
    }
    if kind == SINGLE:
        intent = Intent(resolver, contract, "resolve_dispute", check)
        return build(f"/escrow/{kind}/resolve-dispute", body, intent)
    intent = Intent(resolver, contract, "resolve_milestone_dispute", check)
    body["milestoneIndex"] = str(index)
    return build(f"/escrow/{kind}/resolve-milestone-dispute", body, intent)


def withdraw_remaining(
    kind: str, contract: str, resolver: str, shares: Mapping[str, int]
) -> Envelope:
    """What is left in a contract of which every part is decided: address → stroops.

    The contract also lets go of parts that are in dispute; the caller must not.
    """
    given = _given(shares)

    def check(args: list[Any]) -> None:
        said = _without_fee_address(args, 1)
        require(said == [resolver, given], "it pays other amounts or accounts")

    body = {
        "contractId": contract,
        "disputeResolver": resolver,
        "distributions": _distributions(given),
    }
    intent = Intent(resolver, contract, "withdraw_remaining_funds", check)
    return build(f"/escrow/{kind}/withdraw-remaining-funds", body, intent)


def protocol_fee_bps() -> int:
    """What the provider's contracts take of a payout, in hundredths of a percent."""
    if settings.OFFERHUB_NETWORK == "sandbox":
        return int(sandbox_facts(settings.SANDBOX_URL)["protocolFeeBps"])
    return int(settings.ESCROW_PROTOCOL_FEE_BPS)


def _given(shares: Mapping[str, int]) -> dict[str, int]:
    """Without those that get nothing. The contract refuses to pay nothing, and less even more."""
    if any(amount < 0 for amount in shares.values()):
        raise BuildRefused("amount_negative", "A share is less than nothing")
    return {address: amount for address, amount in shares.items() if amount}


def _distributions(shares: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"address": address, "amount": Number(amount)} for address, amount in shares.items()]


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
