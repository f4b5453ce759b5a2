"""What an escrow contract is made of, and whether what the provider wrote says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from offerhub.chain.inspection import require
from offerhub.chain.network import usdc_contract

SINGLE, MULTI = "single-release", "multi-release"

_FIELDS = {
    "amount",
    "description",
    "engagement_id",
    "flags",
    "milestones",
    "platform_fee",
    "receiver_memo",
    "roles",
    "title",
    "trustline",
}
_ROLES = {
    "approver",
    "dispute_resolver",
    "platform",
    "platform_address",
    "receiver",
    "release_signer",
    "service_provider",
}


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


def check_deployment(args: list[Any], signer: str, new: NewEscrow) -> None:
    """The arguments of a factory call. Raises EnvelopeRefused."""
    require(len(args) == 5 or args[5:] == [[]], "it has other arguments")
    require(args[0] == signer, "another account deploys it")
    known = settings.ESCROW_WASM_HASHES
    require(not known or args[1].hex() in known, "it deploys a program that is not allowed")
    require(args[3] == "initialize_escrow", "it runs another initialisation")
    require(len(args[4]) == 1, "it has other arguments")
    check_escrow(args[4][0], new)
    _check_untouched(args[4][0])


def check_escrow(said: dict[str, Any], new: NewEscrow) -> None:
    """A contract's own record of the deal. Raises EnvelopeRefused.

    A field that is not known is refused as well: it might be a role with power over the money.
    """
    require(set(said) <= _FIELDS, "it has a field that is not known")
    _check_roles(said["roles"], new)
    require(said["engagement_id"] == new.engagement, "it is for another order")
    require(said["title"].strip() == new.title.strip(), "it has another title")
    require(said["description"].strip() == new.description.strip(), "it has another description")
    require(said["platform_fee"] == new.fee_percent * 100, "it takes another fee")
    require(said["trustline"]["address"] == usdc_contract(), "it holds another asset")
    if new.kind == SINGLE:
        require(said["amount"] == new.amount, "it is for another amount")
    require(len(said["milestones"]) == len(new.parts), "it has other milestones")
    for part, milestone in zip(new.parts, said["milestones"], strict=True):
        _check_part(milestone, part, new)


def _check_roles(roles: dict[str, Any], new: NewEscrow) -> None:
    require(set(roles) <= _ROLES, "it has a role that is not known")
    require(roles["approver"] == new.roles.buyer, "another account approves")
    require(roles["release_signer"] == new.roles.buyer, "another account releases")
    require(roles["service_provider"] == new.roles.seller, "another account delivers")
    require(roles["dispute_resolver"] == new.roles.resolver, "another account resolves")
    platforms = {roles[name] for name in ("platform", "platform_address") if name in roles}
    require(platforms == {new.roles.platform}, "the fee goes to another account")
    receiver = new.roles.seller if new.kind == SINGLE else None
    require(roles.get("receiver") == receiver, "another account is paid")


def _check_part(milestone: dict[str, Any], part: Part, new: NewEscrow) -> None:
    said = milestone["description"].strip()
    require(said == part.description.strip(), "a milestone has another description")
    if new.kind == MULTI:
        require(milestone["amount"] == part.amount, "a milestone has another amount")
        require(milestone["receiver"] == new.roles.seller, "a milestone pays another account")


def _check_untouched(said: dict[str, Any]) -> None:
    """Nothing has been decided yet in a contract that is only now made."""
    marks = [said.get("flags"), *said["milestones"], *(m.get("flags") for m in said["milestones"])]
    for names in marks:
        decided = [n for n, value in (names or {}).items() if value is True]
        require(not decided, "it is decided before it begins")
