"""The multi-release contract: each milestone has its own amount, receiver and flags."""

from dataclasses import replace

from offerhub.sandbox.codec import Value, sc_i128, sc_void
from offerhub.sandbox.escrow import Escrow, Flags, Milestone
from offerhub.sandbox.host import Host
from offerhub.sandbox.rules import (
    address,
    announce,
    check_disputer,
    check_index,
    check_shares,
    held_by,
    number,
    pay,
    pay_one,
    refuse,
    shares,
)


def _open(escrow: Escrow, index: int) -> Milestone:
    """The milestone, which must be neither released nor resolved."""
    check_index(escrow, index)
    milestone = escrow.milestones[index]
    if milestone.flags.released:
        raise refuse(escrow, "already_released")
    if milestone.flags.resolved:
        raise refuse(escrow, "already_resolved")
    return milestone


def release_milestone_funds(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Pay one approved milestone to its receiver."""
    caller, fee_address = address(args[0]), host.fee_address(args, 1)
    host.auth.require(caller)
    index = number(args[-1])
    milestone = _open(escrow, index)
    if caller != escrow.roles["release_signer"]:
        raise refuse(escrow, "only_release_signer")
    if not milestone.flags.approved:
        raise refuse(escrow, "not_completed")
    if milestone.flags.disputed:
        raise refuse(escrow, "in_dispute")
    if held_by(host, escrow) < milestone.amount:
        raise refuse(escrow, "balance_not_enough")
    flags = replace(milestone.flags, released=True)
    host.store(escrow.with_milestone(index, replace(milestone, flags=flags)))
    pay_one(host, escrow, fee_address, milestone.receiver, milestone.amount)
    announce(host, escrow, "tw_release", sc_i128(milestone.amount))
    return sc_void()


def dispute_milestone(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Freeze one milestone; the others go on."""
    index, caller = number(args[0]), address(args[1])
    host.auth.require(caller)
    milestone = _open(escrow, index)
    if milestone.flags.disputed:
        raise refuse(escrow, "already_in_dispute")
    check_disputer(escrow, caller, milestone.receiver)
    flags = replace(milestone.flags, disputed=True)
    host.store(escrow.with_milestone(index, replace(milestone, flags=flags)))
    announce(host, escrow, "tw_dispute")
    return sc_void()


def resolve_milestone_dispute(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Distribute at most the milestone's amount; the rest stays until it is withdrawn."""
    caller, index = address(args[0]), number(args[1])
    fee_address, split = host.fee_address(args, 2), shares(args[-1])
    host.auth.require(caller)
    milestone = _open(escrow, index)
    if caller != escrow.roles["dispute_resolver"]:
        raise refuse(escrow, "only_resolver")
    if not milestone.flags.disputed:
        raise refuse(escrow, "not_in_dispute")
    if sum(split.values()) > milestone.amount:
        raise refuse(escrow, "exceeds_milestone")
    total = check_shares(escrow, split, held_by(host, escrow))
    if total == 0:
        raise refuse(escrow, "total_zero")
    flags = Flags(approved=milestone.flags.approved, resolved=True)
    resolved = replace(milestone, flags=flags, status="resolved")
    host.store(escrow.with_milestone(index, resolved))
    pay(host, escrow, fee_address, total, split)
    announce(host, escrow, "tw_disp_resolve", sc_i128(total))
    return sc_void()


def withdraw_remaining_funds(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Pay out what stayed behind. v1 counts a disputed milestone as processed."""
    caller, fee_address = address(args[0]), host.fee_address(args, 1)
    split = shares(args[-1])
    host.auth.require(caller)
    if caller != escrow.roles["dispute_resolver"]:
        raise refuse(escrow, "only_resolver")
    if not all(m.flags.closed or m.flags.disputed for m in escrow.milestones):
        raise refuse(escrow, "not_processed")
    total = sum(split.values())
    if total <= 0:
        raise refuse(escrow, "total_zero")
    check_shares(escrow, split, held_by(host, escrow))
    host.store(escrow)
    pay(host, escrow, fee_address, total, split)
    return sc_void()


FUNCTIONS = {
    "release_milestone_funds": release_milestone_funds,
    "dispute_milestone": dispute_milestone,
    "resolve_milestone_dispute": resolve_milestone_dispute,
    "withdraw_remaining_funds": withdraw_remaining_funds,
}
