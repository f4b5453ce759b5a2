"""What the two escrow contracts share: refusals, the guards in front, and the money.

Source: the v1 contracts. The money is integer stroops and floor division throughout, with
v1's rounding trap kept: shares are floored one by one while the fees are taken on the total,
so a split can pay out more than it holds, and then the whole call fails.
"""

from collections.abc import Mapping

from offerhub.sandbox import tokens
from offerhub.sandbox.codec import Address, BadValue, Value, sc_address, sc_i128, sc_symbol
from offerhub.sandbox.context import ContractError
from offerhub.sandbox.escrow import Escrow
from offerhub.sandbox.host import Host

MAX_FEE_BPS = 9900
VENDOR_FEE_BPS = 30
WHOLE_BPS = 10_000
MAX_MILESTONES = 50
MAX_DISTRIBUTIONS = 50

#: name: (single-release number, multi-release number, message)
REFUSALS: dict[str, tuple[int, int, str]] = {
    "amount_zero": (1, 1, "Amount cannot be equal to zero"),
    "already_initialized": (2, 8, "Escrow already initialized"),
    "not_found": (3, 13, "Escrow not found"),
    "only_release_signer": (4, 39, "Only the release signer can release the escrow funds"),
    "not_completed": (5, 29, "The escrow must be completed to release earnings"),
    "balance_not_enough": (
        6,
        11,
        "The escrow balance must be equal to the amount of earnings defined for the escrow",
    ),
    "only_platform": (
        7,
        38,
        "Only the platform address should be able to execute this function",
    ),
    "only_service_provider": (8, 40, "Only the service provider can change milestone status"),
    "no_milestone": (9, 35, "Escrow initialized without milestone"),
    "invalid_index": (10, 23, "Invalid milestone index"),
    "only_approver": (11, 36, "Only the approver can change milestone flag"),
    "only_resolver": (12, 37, "Only the dispute resolver can execute this function"),
    "already_in_dispute": (13, 24, "Escrow already in dispute"),
    "not_in_dispute": (14, 31, "Escrow not in dispute"),
    "insufficient_resolution": (15, 21, "Insufficient funds for resolution"),
    "in_dispute": (16, 4, "Escrow has been opened for dispute resolution"),
    "milestone_approved": (
        22,
        28,
        "You can't change the escrow properties after the milestone is approved",
    ),
    "has_funds": (23, 15, "The escrow has funds: only new milestones can be added to it"),
    "already_resolved": (24, 26, "This escrow is already resolved"),
    "too_many_escrows": (25, 44, "You have requested too many escrows"),
    "unauthorized_dispute": (26, 49, "You are not authorized to change the dispute flag"),
    "too_many_milestones": (27, 45, "Cannot define more than 50 milestones in an escrow"),
    "already_approved": (
        29,
        28,
        "You cannot approve a milestone that has already been approved previously",
    ),
    "empty_status": (30, 7, "The milestone status cannot be empty"),
    "fee_too_high": (31, 43, "The platform fee cannot exceed 99%"),
    "flags_must_be_false": (
        32,
        16,
        "All flags (approved, disputed, released) must be false in order to execute this function",
    ),
    "properties_mismatch": (
        33,
        15,
        "The provided escrow properties do not match the stored escrow",
    ),
    "already_released": (35, 25, "The escrow funds have been released"),
    "platform_changed": (37, 42, "The platform address of the escrow cannot be changed"),
    "amounts_positive": (38, 2, "Amounts cannot be zero or negative: all should be positive"),
    "must_equal_balance": (
        39,
        48,
        "The sum of distributions must equal the current escrow balance",
    ),
    "exceeds_milestone": (
        39,
        48,
        "The sum of distributions must not exceed the milestone amount",
    ),
    "resolver_disputes": (40, 5, "The dispute resolver cannot dispute the escrow"),
    "total_zero": (41, 47, "The total amount cannot be zero"),
    "insufficient_funding": (42, 19, "The signer has insufficient funds to fund this escrow"),
    "not_processed": (43, 14, "The escrow is not fully processed: a milestone is still open"),
    "too_many_distributions": (44, 46, "Cannot define more than 50 distributions"),
}


def refuse(escrow: Escrow, name: str) -> ContractError:
    """The error that the contract of this escrow raises, to be raised by the caller."""
    single, multi, message = REFUSALS[name]
    return ContractError(message, single if escrow.kind == "single" else multi)


def address(value: Value) -> str:
    """An argument that must be an address."""
    if not isinstance(value, Address):
        raise BadValue("an argument is not an address")
    return str(value)


def number(value: Value) -> int:
    """An argument that must be an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("an argument is not a number")
    return value


def words(value: Value) -> str:
    """An argument that must be a string."""
    if not isinstance(value, str) or isinstance(value, Address):
        raise BadValue("an argument is not a text")
    return str(value)


def shares(value: Value) -> dict[str, int]:
    """An argument that must be a map of addresses to amounts, in its stored order."""
    if not isinstance(value, dict):
        raise BadValue("distributions are not a map")
    return {who: number(amount) for who, amount in value.items()}


def check_new(escrow: Escrow) -> None:
    """The rules of ``initialize_escrow``."""
    if escrow.platform_fee > MAX_FEE_BPS or escrow.platform_fee + VENDOR_FEE_BPS > WHOLE_BPS:
        raise refuse(escrow, "fee_too_high")
    amounts = [escrow.amount] if escrow.kind == "single" else [m.amount for m in escrow.milestones]
    if any(amount <= 0 for amount in amounts):
        raise refuse(escrow, "amount_zero")
    if not escrow.milestones:
        raise refuse(escrow, "no_milestone")
    if len(escrow.milestones) > MAX_MILESTONES:
        raise refuse(escrow, "too_many_milestones")
    if escrow.flags.any or any(m.flags.any for m in escrow.milestones):
        raise refuse(escrow, "flags_must_be_false")


def check_index(escrow: Escrow, index: int) -> None:
    """The milestone must exist."""
    if not escrow.milestones:
        raise refuse(escrow, "no_milestone")
    if not 0 <= index < len(escrow.milestones):
        raise refuse(escrow, "invalid_index")


def check_disputer(escrow: Escrow, caller: str, *receivers: str) -> None:
    """Any role but the resolver may open a dispute."""
    roles = escrow.roles
    parties = {who for name, who in roles.items() if name != "dispute_resolver"} | set(receivers)
    if caller == roles["dispute_resolver"]:
        raise refuse(escrow, "resolver_disputes")
    if caller not in parties:
        raise refuse(escrow, "unauthorized_dispute")


def check_shares(escrow: Escrow, split: Mapping[str, int], held: int) -> int:
    """Positive amounts that the contract can pay; answers their sum."""
    if len(split) > MAX_DISTRIBUTIONS:
        raise refuse(escrow, "too_many_distributions")
    if any(amount <= 0 for amount in split.values()):
        raise refuse(escrow, "amounts_positive")
    total = sum(split.values())
    if held < total:
        raise refuse(escrow, "insufficient_resolution")
    return total


def fees(escrow: Escrow, total: int, protocol_bps: int) -> tuple[int, int]:
    """The vendor's and the platform's fee on an amount, each floored (stroops)."""
    return total * protocol_bps // WHOLE_BPS, total * escrow.platform_fee // WHOLE_BPS


def pay(host: Host, escrow: Escrow, fee_address: str, total: int, split: Mapping[str, int]) -> None:
    """Pay both fees on ``total``, then every share less its floored part of them."""
    asset = host.asset_of(escrow.token)
    vendor, platform = fees(escrow, total, host.network.protocol_fee_bps)
    for receiver, amount in ((fee_address, vendor), (escrow.roles["platform_address"], platform)):
        if amount:
            host.transfer(escrow.token, asset, receiver, amount)
    for receiver, amount in split.items():
        share = amount - amount * (vendor + platform) // total
        if share:
            host.transfer(escrow.token, asset, receiver, share)


def pay_one(host: Host, escrow: Escrow, fee_address: str, receiver: str, amount: int) -> None:
    """Pay an amount to one receiver, less both fees."""
    pay(host, escrow, fee_address, amount, {receiver: amount})


def held_by(host: Host, escrow: Escrow) -> int:
    """What the escrow's contract holds, in stroops."""
    return tokens.balance_of(host, host.asset_of(escrow.token), escrow.contract_id)


def announce(host: Host, escrow: Escrow, name: str, *parts: bytes) -> None:
    """Emit one of the contract's own events."""
    topics = (sc_symbol(name), sc_address(escrow.contract_id))
    host.ctx.emit(escrow.contract_id, topics, parts[0] if parts else sc_i128(0))
