"""The escrow as the API spells it: camelCase, whole units, percent."""

from __future__ import annotations

from typing import Any

from offerhub.sandbox import assets
from offerhub.sandbox.escrow import BPS_PER_PERCENT, Escrow, Flags, Kind, Milestone
from offerhub.sandbox.fields import Fields

TITLE, ENGAGEMENT, DESCRIPTION, STATUS, EVIDENCE = 100, 100, 500, 50, 500

ROLE_NAMES = {
    "approver": "approver",
    "serviceProvider": "service_provider",
    "platformAddress": "platform_address",
    "releaseSigner": "release_signer",
    "disputeResolver": "dispute_resolver",
    "receiver": "receiver",
}


def _flags_json(flags: Flags, *, approved: bool) -> dict[str, bool]:
    shown = {"disputed": flags.disputed, "released": flags.released, "resolved": flags.resolved}
    return {"approved": flags.approved, **shown} if approved else shown


def _milestone_json(kind: Kind, milestone: Milestone) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": milestone.description,
        "status": milestone.status,
        "evidence": milestone.evidence,
    }
    if kind == "single":
        return {**shown, "approved": milestone.flags.approved}
    return {
        **shown,
        "amount": assets.whole(milestone.amount),
        "receiver": milestone.receiver,
        "flags": _flags_json(milestone.flags, approved=True),
    }


def to_json(escrow: Escrow, asset: str, balance: int) -> dict[str, Any]:
    """One row of the API's reads, and the ``escrow`` of its answers."""
    percent = escrow.platform_fee / BPS_PER_PERCENT
    code, _, issuer = asset.partition(":")
    row: dict[str, Any] = {
        "signer": escrow.signer,
        "contractId": escrow.contract_id,
        "engagementId": escrow.engagement_id,
        "title": escrow.title,
        "description": escrow.description,
        "roles": {
            name: escrow.roles[stored]
            for name, stored in ROLE_NAMES.items()
            if stored in escrow.roles
        },
        "amount": assets.whole(escrow.total),
        "platformFee": int(percent) if percent.is_integer() else percent,
        "balance": assets.whole(balance),
        "milestones": [_milestone_json(escrow.kind, m) for m in escrow.milestones],
        "trustline": {"address": issuer or escrow.token, "symbol": code, "name": code},
        "receiverMemo": escrow.receiver_memo,
        "isActive": True,
        "user": escrow.signer,
        "createdAt": {"_seconds": escrow.created_at, "_nanoseconds": 0},
        "updatedAt": {"_seconds": escrow.updated_at, "_nanoseconds": 0},
        "type": f"{escrow.kind}-release",
    }
    if escrow.kind == "single":
        row["flags"] = _flags_json(escrow.flags, approved=False)
    return row


def status_of(escrow: Escrow) -> str:
    """The word by which the reads filter: working, pendingRelease, released, resolved, inDispute.

    A multi-release escrow is as far as its slowest milestone; one dispute marks it disputed.
    """
    flags = [escrow.flags] if escrow.kind == "single" else [m.flags for m in escrow.milestones]
    if any(item.disputed for item in flags):
        return "inDispute"
    if all(item.closed for item in flags):
        return "released" if any(item.released for item in flags) else "resolved"
    if all(m.flags.approved or m.flags.closed for m in escrow.milestones):
        return "pendingRelease"
    return "working"


def _milestone(kind: Kind, item: Fields, fresh: bool) -> Milestone:
    flags, status, evidence = Flags(), "pending", ""
    if not fresh:
        source = item if kind == "single" else item.inside("flags", required=False)
        flags = Flags(approved=item.flag("approved")) if kind == "single" else _flags(source)
        status = item.text("status", STATUS, required=False) or "pending"
        evidence = item.text("evidence", EVIDENCE, required=False)
    return Milestone(
        description=item.text("description", DESCRIPTION),
        status=status,
        evidence=evidence,
        amount=item.amount("amount") if kind == "multi" else 0,
        receiver=item.holder("receiver") if kind == "multi" else "",
        flags=flags,
    )


def _flags(item: Fields) -> Flags:
    names = ("approved", "disputed", "released", "resolved")
    return Flags(**{name: item.flag(name) for name in names})


def from_json(body: Fields, kind: Kind, contract_id: str, token: str, fresh: bool) -> Escrow:
    """The escrow that a deploy (``fresh``) or update body describes. Complaints collect."""
    roles = body.inside("roles")
    names = [n for n in ROLE_NAMES if kind == "single" or n != "receiver"]
    milestones = tuple(_milestone(kind, item, fresh) for item in body.each("milestones"))
    single = kind == "single"
    return Escrow(
        contract_id=contract_id,
        kind=kind,
        engagement_id=body.text("engagementId", ENGAGEMENT),
        title=body.text("title", TITLE),
        description=body.text("description", DESCRIPTION),
        roles={ROLE_NAMES[name]: roles.holder(name) for name in names},
        platform_fee=body.percent("platformFee"),
        milestones=milestones,
        token=token,
        amount=body.amount("amount") if single else 0,
        flags=_flags(body.inside("flags", required=False)) if single and not fresh else Flags(),
        receiver_memo=int(body.amount("receiverMemo") // assets.ONE)
        if body.has("receiverMemo")
        else 0,
    )
