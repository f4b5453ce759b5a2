"""Calls that both escrow contracts answer in the same way."""

from collections.abc import Callable
from dataclasses import replace

from offerhub.sandbox import escrow_multi, escrow_single, tokens
from offerhub.sandbox.codec import (
    BadValue,
    Value,
    sc_address,
    sc_address_map,
    sc_i128,
    sc_struct,
    sc_void,
)
from offerhub.sandbox.context import ContractError
from offerhub.sandbox.escrow import Escrow, from_value, same_properties, to_value
from offerhub.sandbox.host import Host
from offerhub.sandbox.rules import (
    address,
    announce,
    check_index,
    check_new,
    held_by,
    number,
    refuse,
    words,
)

MAX_BALANCES = 20


def fund_escrow(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """Move an amount from the caller into the contract. More or less than agreed is fine."""
    signer, amount = address(args[0]), number(args[2])
    host.auth.require(signer)
    if amount <= 0:
        raise refuse(escrow, "amount_zero")
    if not same_properties(from_value(args[1], escrow.kind, escrow.contract_id), escrow):
        raise refuse(escrow, "properties_mismatch")
    asset = host.asset_of(escrow.token)
    if tokens.balance_of(host, asset, signer) < amount:
        raise refuse(escrow, "insufficient_funding")
    host.transfer(escrow.token, asset, escrow.contract_id, amount, sender=signer)
    host.store(escrow)
    announce(host, escrow, "tw_fund", sc_struct(
        {"signer": sc_address(signer), "amount": sc_i128(amount)}
    ))  # fmt: skip
    return sc_void()


def change_milestone_status(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """The service provider reports on a milestone, with evidence. Allowed while disputed."""
    index, status, caller = number(args[0]), words(args[1]), address(args[3])
    host.auth.require(caller)
    if caller != escrow.roles["service_provider"]:
        raise refuse(escrow, "only_service_provider")
    check_index(escrow, index)
    milestone = replace(escrow.milestones[index], status=status)
    if args[2] is not None:
        milestone = replace(milestone, evidence=words(args[2]))
    if escrow.flags.closed or milestone.flags.closed:
        closed = "already_released" if _released(escrow, index) else "already_resolved"
        raise refuse(escrow, closed)
    changed = escrow.with_milestone(index, milestone)
    host.store(changed)
    announce(host, changed, "tw_ms_change", to_value(changed))
    return sc_void()


def _released(escrow: Escrow, index: int) -> bool:
    return escrow.flags.released or escrow.milestones[index].flags.released


def approve_milestone(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """The approver accepts a milestone, once and for ever."""
    index, caller = number(args[0]), address(args[1])
    host.auth.require(caller)
    check_index(escrow, index)
    milestone = escrow.milestones[index]
    if caller != escrow.roles["approver"]:
        raise refuse(escrow, "only_approver")
    if milestone.flags.approved:
        raise refuse(escrow, "already_approved")
    if not milestone.status:
        raise refuse(escrow, "empty_status")
    flags = replace(milestone.flags, approved=True)
    changed = escrow.with_milestone(index, replace(milestone, flags=flags))
    host.store(changed)
    announce(host, changed, "tw_ms_approve", to_value(changed))
    return sc_void()


def update_escrow(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """The platform changes the terms, while that takes nothing from anybody."""
    caller = address(args[0])
    host.auth.require(caller)
    new = from_value(args[1], escrow.kind, escrow.contract_id)
    if caller != escrow.roles["platform_address"]:
        raise refuse(escrow, "only_platform")
    if new.roles["platform_address"] != escrow.roles["platform_address"]:
        raise refuse(escrow, "platform_changed")
    if escrow.flags.disputed or any(m.flags.disputed for m in escrow.milestones):
        raise refuse(escrow, "in_dispute")
    if new.flags.any or escrow.flags.any:
        raise refuse(escrow, "flags_must_be_false")
    if held_by(host, escrow):
        _check_appended(escrow, new)
    elif any(m.flags.any for m in escrow.milestones):
        raise refuse(escrow, "milestone_approved")
    else:
        check_new(new)
    changed = replace(new, signer=escrow.signer, created_at=escrow.created_at)
    host.store(changed)
    announce(host, changed, "tw_update", to_value(changed))
    return to_value(changed)


def _check_appended(escrow: Escrow, new: Escrow) -> None:
    """A funded escrow only takes new, unapproved milestones at the end."""
    count = len(escrow.milestones)
    if not same_properties(replace(new, milestones=new.milestones[:count]), escrow):
        raise refuse(escrow, "has_funds")
    if any(milestone.flags.any for milestone in new.milestones[count:]):
        raise refuse(escrow, "flags_must_be_false")
    if len(new.milestones) > 50:
        raise refuse(escrow, "too_many_milestones")


def extend_contract_ttl(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """The platform prolongs the contract's life; here nothing ever expires."""
    caller = address(args[0])
    host.auth.require(caller)
    if caller != escrow.roles["platform_address"]:
        raise refuse(escrow, "only_platform")
    announce(host, escrow, "tw_ttl_extend")
    return sc_void()


def get_multiple_escrow_balances(host: Host, escrow: Escrow, args: list[Value]) -> bytes:
    """What several contracts hold."""
    if not isinstance(args[0], list):
        raise BadValue("addresses are not a list")
    addresses = [address(item) for item in args[0]]
    if len(addresses) > MAX_BALANCES:
        raise refuse(escrow, "too_many_escrows")
    asset = host.asset_of(escrow.token)
    return sc_address_map({a: sc_i128(tokens.balance_of(host, asset, a)) for a in addresses})


EscrowFunction = Callable[[Host, Escrow, list[Value]], bytes]

_COMMON: dict[str, EscrowFunction] = {
    "fund_escrow": fund_escrow,
    "change_milestone_status": change_milestone_status,
    "approve_milestone": approve_milestone,
    "update_escrow": update_escrow,
    "extend_contract_ttl": extend_contract_ttl,
    "get_escrow": lambda host, escrow, args: to_value(escrow),
    "get_multiple_escrow_balances": get_multiple_escrow_balances,
}

FUNCTIONS: dict[str, dict[str, EscrowFunction]] = {
    "single": {**_COMMON, **escrow_single.FUNCTIONS},
    "multi": {**_COMMON, **escrow_multi.FUNCTIONS},
}


def call(host: Host, escrow: Escrow, function: str, args: list[Value]) -> bytes:
    """Run one function of an escrow contract; ContractError when it traps."""
    handler = FUNCTIONS[escrow.kind].get(function)
    if handler is None:
        raise ContractError(f"trying to invoke non-existent contract function: {function}")
    try:
        return handler(host, escrow, args)
    except (BadValue, IndexError) as problem:
        raise ContractError(f"wrong arguments: {problem}") from None
