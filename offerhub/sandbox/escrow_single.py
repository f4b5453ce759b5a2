"""The single-release contract: one amount, released at once when every milestone is approved."""

from dataclasses import replace

from offerhub.sandbox.codec import Value, sc_i128, sc_void
from offerhub.sandbox.escrow import Escrow, Flags
from offerhub.sandbox.host import Host
from offerhub.sandbox.rules import (
    address,
    announce,
    check_disputer,
    check_shares,
    held_by,
    pay,
    pay_one,
    refuse,
    shares,
)


def _caller(host: Host, value: Value) -> str:
    who = address(value)
    host.auth.require(who)
    return who


def release_funds(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Pay the configured amount to the receiver; what is above it stays."""
    caller, fee_address = _caller(host, args[0]), host.fee_address(args, 1)
    if escrow.flags.released:
        raise refuse(escrow, "already_released")
    if escrow.flags.resolved:
        raise refuse(escrow, "already_resolved")
    if caller != escrow.roles["release_signer"]:
        raise refuse(escrow, "only_release_signer")
    if not escrow.milestones:
        raise refuse(escrow, "no_milestone")
    if not all(milestone.flags.approved for milestone in escrow.milestones):
        raise refuse(escrow, "not_completed")
    if escrow.flags.disputed:
        raise refuse(escrow, "in_dispute")
    if held_by(host, escrow) < escrow.amount:
        raise refuse(escrow, "balance_not_enough")
    host.store(replace(escrow, flags=replace(escrow.flags, released=True)))
    pay_one(host, escrow, fee_address, escrow.roles["receiver"], escrow.amount)
    announce(host, escrow, "tw_release", sc_i128(escrow.amount))
    return sc_void()


def dispute_escrow(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Freeze the whole escrow. As in the stored v1 source, ``released`` is not looked at."""
    caller = _caller(host, args[0])
    if escrow.flags.disputed:
        raise refuse(escrow, "already_in_dispute")
    check_disputer(escrow, caller)
    host.store(replace(escrow, flags=replace(escrow.flags, disputed=True)))
    announce(host, escrow, "tw_dispute")
    return sc_void()


def resolve_dispute(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Distribute exactly what the contract holds; ends the escrow."""
    caller, fee_address = _caller(host, args[0]), host.fee_address(args, 1)
    split = shares(args[-1])
    held = held_by(host, escrow)
    if any(amount <= 0 for amount in split.values()):
        raise refuse(escrow, "amounts_positive")
    if caller != escrow.roles["dispute_resolver"]:
        raise refuse(escrow, "only_resolver")
    if not escrow.flags.disputed:
        raise refuse(escrow, "not_in_dispute")
    total = check_shares(escrow, split, held)
    if total != held:
        raise refuse(escrow, "must_equal_balance")
    if total == 0:
        raise refuse(escrow, "total_zero")
    flags = Flags(released=escrow.flags.released, resolved=True)
    host.store(replace(escrow, flags=flags))
    pay(host, escrow, fee_address, total, split)
    announce(host, escrow, "tw_disp_resolve", sc_i128(total))
    return sc_void()


def withdraw_remaining_funds(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Pay out what stayed behind, after fees. Emits no event of its own, as in v1."""
    caller, fee_address = _caller(host, args[0]), host.fee_address(args, 1)
    split = shares(args[-1])
    if caller != escrow.roles["dispute_resolver"]:
        raise refuse(escrow, "only_resolver")
    if not (escrow.flags.closed or escrow.flags.disputed):
        raise refuse(escrow, "not_processed")
    total = sum(split.values())
    if total <= 0:
        raise refuse(escrow, "total_zero")
    check_shares(escrow, split, held_by(host, escrow))
    host.store(escrow)
    pay(host, escrow, fee_address, total, split)
    return sc_void()


FUNCTIONS = {
    "release_funds": release_funds,
    "dispute_escrow": dispute_escrow,
    "resolve_dispute": resolve_dispute,
    "withdraw_remaining_funds": withdraw_remaining_funds,
}
