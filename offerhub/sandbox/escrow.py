"""The escrow as a contract stores it, and its three spellings.

The chain spells it as a contract struct (snake_case, stroops, basis points), the API as
camelCase JSON (whole units, percent), the sandbox's file as plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from offerhub.sandbox.codec import (
    Address,
    BadValue,
    Value,
    sc_address,
    sc_bool,
    sc_i128,
    sc_string,
    sc_struct,
    sc_u32,
    sc_vec,
)

Kind = Literal["single", "multi"]
ROLES = ("approver", "service_provider", "platform_address", "release_signer", "dispute_resolver")
BPS_PER_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Flags:
    """What has happened to an escrow, or to a milestone of a multi-release one."""

    approved: bool = False
    disputed: bool = False
    released: bool = False
    resolved: bool = False

    @property
    def closed(self) -> bool:
        """Released or resolved: nothing more is paid for it."""
        return self.released or self.resolved

    @property
    def any(self) -> bool:
        """Whether a single flag is set."""
        return self.approved or self.disputed or self.released or self.resolved


@dataclass(frozen=True, slots=True)
class Milestone:
    """One milestone. ``amount`` (stroops), ``receiver``: multi-release only."""

    description: str
    status: str = "pending"
    evidence: str = ""
    amount: int = 0
    receiver: str = ""
    flags: Flags = Flags()


@dataclass(frozen=True, slots=True)
class Escrow:
    """One deployed contract's stored state. Amounts in stroops, fee in basis points."""

    contract_id: str
    kind: Kind
    engagement_id: str
    title: str
    description: str
    roles: Mapping[str, str]
    platform_fee: int
    milestones: tuple[Milestone, ...]
    token: str
    amount: int = 0
    flags: Flags = Flags()
    receiver_memo: int = 0
    signer: str = ""
    created_at: int = 0
    updated_at: int = 0

    def with_milestone(self, index: int, milestone: Milestone) -> Escrow:
        """A copy with one milestone replaced."""
        milestones = (*self.milestones[:index], milestone, *self.milestones[index + 1 :])
        return replace(self, milestones=milestones)

    @property
    def total(self) -> int:
        """What the parties agreed on, in stroops."""
        if self.kind == "single":
            return self.amount
        return sum(milestone.amount for milestone in self.milestones)


def _flags_value(flags: Flags, *, approved: bool) -> bytes:
    fields = {
        "disputed": sc_bool(flags.disputed),
        "released": sc_bool(flags.released),
        "resolved": sc_bool(flags.resolved),
    }
    if approved:
        fields["approved"] = sc_bool(flags.approved)
    return sc_struct(fields)


def _milestone_value(kind: Kind, milestone: Milestone) -> bytes:
    fields = {
        "description": sc_string(milestone.description),
        "evidence": sc_string(milestone.evidence),
        "status": sc_string(milestone.status),
    }
    if kind == "single":
        fields["approved"] = sc_bool(milestone.flags.approved)
    else:
        fields["amount"] = sc_i128(milestone.amount)
        fields["receiver"] = sc_address(milestone.receiver)
        fields["flags"] = _flags_value(milestone.flags, approved=True)
    return sc_struct(fields)


def to_value(escrow: Escrow) -> bytes:
    """The contract struct ``Escrow`` as encoded SCVal."""
    fields = {
        "description": sc_string(escrow.description),
        "engagement_id": sc_string(escrow.engagement_id),
        "milestones": sc_vec([_milestone_value(escrow.kind, m) for m in escrow.milestones]),
        "platform_fee": sc_u32(escrow.platform_fee),
        "receiver_memo": sc_i128(escrow.receiver_memo),
        "roles": sc_struct({name: sc_address(who) for name, who in escrow.roles.items()}),
        "title": sc_string(escrow.title),
        "trustline": sc_struct({"address": sc_address(escrow.token)}),
    }
    if escrow.kind == "single":
        fields["amount"] = sc_i128(escrow.amount)
        fields["flags"] = _flags_value(escrow.flags, approved=False)
    return sc_struct(fields)


def _struct(value: Value, what: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise BadValue(f"{what} is not a struct")
    return value


def _text(struct: Mapping[str, Value], name: str) -> str:
    value = struct.get(name)
    if not isinstance(value, str):
        raise BadValue(f"{name} is not a text")
    return str(value)


def _number(struct: Mapping[str, Value], name: str) -> int:
    value = struct.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"{name} is not a number")
    return value


def _address(struct: Mapping[str, Value], name: str) -> str:
    value = struct.get(name)
    if not isinstance(value, Address):
        raise BadValue(f"{name} is not an address")
    return str(value)


def _flags(value: Value) -> Flags:
    struct = _struct(value, "flags")
    names = ("approved", "disputed", "released", "resolved")
    return Flags(**{name: bool(struct.get(name, False)) for name in names})


def _milestone(kind: Kind, value: Value) -> Milestone:
    struct = _struct(value, "milestone")
    milestone = Milestone(
        description=_text(struct, "description"),
        status=_text(struct, "status"),
        evidence=_text(struct, "evidence"),
    )
    if kind == "single":
        return replace(milestone, flags=Flags(approved=bool(struct.get("approved", False))))
    return replace(
        milestone,
        amount=_number(struct, "amount"),
        receiver=_address(struct, "receiver"),
        flags=_flags(struct.get("flags")),
    )


def from_value(value: Value, kind: Kind, contract_id: str) -> Escrow:
    """The escrow of a decoded contract struct; BadValue when the struct is another one."""
    struct = _struct(value, "escrow")
    milestones = struct.get("milestones")
    if not isinstance(milestones, list):
        raise BadValue("milestones is not a list")
    roles = _struct(struct.get("roles"), "roles")
    names = (*ROLES, "receiver") if kind == "single" else ROLES
    return Escrow(
        contract_id=contract_id,
        kind=kind,
        engagement_id=_text(struct, "engagement_id"),
        title=_text(struct, "title"),
        description=_text(struct, "description"),
        roles={name: _address(roles, name) for name in names},
        platform_fee=_number(struct, "platform_fee"),
        milestones=tuple(_milestone(kind, item) for item in milestones),
        token=_address(_struct(struct.get("trustline"), "trustline"), "address"),
        amount=_number(struct, "amount") if kind == "single" else 0,
        flags=_flags(struct.get("flags")) if kind == "single" else Flags(),
        receiver_memo=_number(struct, "receiver_memo"),
    )


def same_properties(left: Escrow, right: Escrow) -> bool:
    """Whether two escrows are the same struct on chain (bookkeeping of ours aside)."""
    return _bare(left) == _bare(right)


def _bare(escrow: Escrow) -> Escrow:
    return replace(escrow, signer="", created_at=0, updated_at=0, contract_id="")


def load(fields: dict[str, Any]) -> Escrow:
    """The escrow of the plain JSON that ``dataclasses.asdict`` wrote."""
    milestones = tuple(
        Milestone(**{**item, "flags": Flags(**item["flags"])}) for item in fields["milestones"]
    )
    return Escrow(**{**fields, "milestones": milestones, "flags": Flags(**fields["flags"])})
