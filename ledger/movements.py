"""The accounting policy: every debit and credit of the product.

Each function is one fact of the business and one entry in the books. A `debit` makes what we hold
or spend grow; a `credit` makes what we owe or earned grow. Ids are plain texts: the ledger has
never heard of an order. Amounts are stroops; chain facts come with the amounts the chain tells.

Each fact has one `source`, used once for ever, so telling it again changes nothing and answers the
first entry. All raise what `services.post` raises and run inside the caller's transaction.

Where `fee_address` is given, the network's charge for the transaction is booked in the same entry:
    expense:network_fee  debit      xlm:{fee_address}  credit
It is given for our own wallets; empty when the party paid the network itself.
"""

from collections.abc import Sequence
from typing import Literal

from ledger.adjusting import adjustment as adjustment
from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import XLM, Leg, assert_adds_up, credit, debit, fee_legs, payout_legs
from ledger.legs import Payout as Payout
from ledger.paid import Paid as Paid
from ledger.paid import withdrawals_confirmed as withdrawals_confirmed
from ledger.reimbursing import refund_fees_reimbursed as refund_fees_reimbursed
from ledger.reversals import reversal as reversal
from ledger.services import NewAccount, Posted, open_account, post
from ledger.suspended import Holder as Holder
from ledger.suspended import deposit_to_suspense as deposit_to_suspense
from ledger.suspended import suspense_assigned as suspense_assigned
from ledger.suspended import suspense_returned as suspense_returned
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor

# --- money comes in


def deposit(
    *,
    marketplace_id: str,
    user_id: str,
    address: str,
    amount: int,
    asset: str,
    source: str,
    fact: ChainFact,
    actor: Actor,
    description: str = "",
) -> Posted:
    """A user's wallet received money: we hold it there and owe it to the user."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.DEPOSIT,
        source=source,
        legs=[
            debit(K.WALLET, address, amount, asset),
            credit(K.AVAILABLE, user_id, amount, asset, user_id),
        ],
        fact=fact,
        description=description,
        actor=actor,
    )


# --- an order's money


def reserve(
    *, marketplace_id: str, user_id: str, order_id: str, amount: int, asset: str, actor: Actor
) -> Posted:
    """The buyer's money is set aside for an order. Nothing moves on the chain."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.RESERVE,
        source=f"order:{order_id}:reserve",
        legs=[
            debit(K.AVAILABLE, user_id, amount, asset, user_id),
            credit(K.RESERVED, order_id, amount, asset, user_id),
        ],
        actor=actor,
    )


def unreserve(
    *, marketplace_id: str, user_id: str, order_id: str, amount: int, asset: str, actor: Actor
) -> Posted:
    """The order was cancelled before its money went into a contract."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.UNRESERVE,
        source=f"order:{order_id}:unreserve",
        legs=[
            debit(K.RESERVED, order_id, amount, asset, user_id),
            credit(K.AVAILABLE, user_id, amount, asset, user_id),
        ],
        actor=actor,
    )


def escrow_funded(
    *,
    marketplace_id: str,
    user_id: str,
    order_id: str,
    buyer_address: str,
    contract: str,
    amount: int,
    asset: str,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    held: bool = True,
    actor: Actor,
) -> Posted:
    """The buyer's wallet paid the contract: what was reserved is now in escrow.

    Where the buyer holds the key of that wallet (`held` is false) the money came from outside
    straight into the contract: nothing was reserved, and no wallet of ours became lighter.
    """
    from_wallet = [
        debit(K.RESERVED, order_id, amount, asset, user_id),
        credit(K.WALLET, buyer_address, amount, asset),
    ]
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.FUND,
        source=f"order:{order_id}:fund",
        legs=[
            credit(K.ESCROW, order_id, amount, asset, user_id),
            debit(K.CONTRACT, contract, amount, asset),
            *(from_wallet if held else ()),
            *fee_legs(fact, fee_address),
        ],
        fact=fact,
        operation_id=operation_id,
        actor=actor,
    )


def settlement_legs(
    *,
    order_id: str,
    user_id: str,
    contract: str,
    asset: str,
    gross: int,
    payouts: Sequence[Payout],
    platform_address: str,
    platform_fee: int,
    surplus: int,
) -> list[Leg]:
    """What `settlement` posts, but for the network's charge: also to show it before it happens."""
    return [
        debit(K.ESCROW, order_id, gross - surplus, asset, user_id),
        debit(K.SUSPENSE, "", surplus, asset),
        credit(K.CONTRACT, contract, gross, asset),
        *payout_legs(payouts, asset),
        debit(K.PLATFORM, platform_address, platform_fee, asset),
        credit(K.PLATFORM_FEE, "", platform_fee, asset),
    ]


def settlement(
    *,
    marketplace_id: str,
    order_id: str,
    user_id: str,
    contract: str,
    asset: str,
    source: str,
    gross: int,
    payouts: Sequence[Payout],
    platform_address: str,
    platform_fee: int,
    protocol_fee: int,
    surplus: int = 0,
    kind: Literal["release", "refund", "split"],
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted:
    """The contract paid out: to the seller (release), to the buyer (refund), or to both (split).

    `gross` left the contract: g = payouts n + platform fee p + protocol fee t. The order's debt of
    g ends; the parties are owed the n that reached their wallets; p is earned; t went to the
    escrow provider. t needs no line of its own: the party bears it, so it is neither our cost nor
    our money, and it is the difference between what the contract lost (g) and what our wallets
    gained (n + p), as it is between what was owed (g) and what is owed or earned now (n + p).
    The same holds of what reached a wallet whose key a party holds (a payout that is not `held`).

    `user_id` is the buyer, whose money the escrow was. `surplus` is what left beyond the order's
    own money: strangers' dust, which was in suspense and leaves with the settlement. Below zero
    it is what the contract's rounding left behind, which goes into suspense.

    Raises Unbalanced when the amounts are not g = n + p + t.
    """
    assert_adds_up(source, gross, payouts, platform_fee, protocol_fee)
    legs = settlement_legs(
        order_id=order_id,
        user_id=user_id,
        contract=contract,
        asset=asset,
        gross=gross,
        payouts=payouts,
        platform_address=platform_address,
        platform_fee=platform_fee,
        surplus=surplus,
    )
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind(kind),
        source=source,
        legs=[*legs, *fee_legs(fact, fee_address)],
        fact=fact,
        operation_id=operation_id,
        meta={"gross": gross, "protocolFee": protocol_fee, "platformFee": platform_fee},
        actor=actor,
    )


# --- withdrawals


def withdrawal_requested(
    *, marketplace_id: str, user_id: str, withdrawal_id: str, amount: int, asset: str, actor: Actor
) -> Posted:
    """The user asked for money: it is held until the chain has paid it or provably has not."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.WITHDRAWAL_REQUESTED,
        source=f"withdrawal:{withdrawal_id}:request",
        legs=[
            debit(K.AVAILABLE, user_id, amount, asset, user_id),
            credit(K.PENDING, withdrawal_id, amount, asset, user_id),
        ],
        actor=actor,
    )


def withdrawal_returned(
    *, marketplace_id: str, user_id: str, withdrawal_id: str, amount: int, asset: str, actor: Actor
) -> Posted:
    """Cancelled, or proved not to have happened: the held money is the user's to use again."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.WITHDRAWAL_RETURNED,
        source=f"withdrawal:{withdrawal_id}:return",
        legs=[
            debit(K.PENDING, withdrawal_id, amount, asset, user_id),
            credit(K.AVAILABLE, user_id, amount, asset, user_id),
        ],
        actor=actor,
    )


def withdrawal_confirmed(
    *,
    marketplace_id: str,
    user_id: str,
    withdrawal_id: str,
    amount: int,
    asset: str,
    address: str,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted:
    """The user's wallet `address` paid it out: we hold it no longer and owe it no longer."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.WITHDRAWAL_CONFIRMED,
        source=f"withdrawal:{withdrawal_id}:confirm",
        legs=[
            debit(K.PENDING, withdrawal_id, amount, asset, user_id),
            credit(K.WALLET, address, amount, asset),
            *fee_legs(fact, fee_address),
        ],
        fact=fact,
        operation_id=operation_id,
        actor=actor,
    )


# --- fee money


def network_fee(
    *,
    marketplace_id: str,
    operation_id: str,
    fee_address: str,
    fact: ChainFact,
    actor: Actor,
    opens: NewAccount | None = None,
) -> Posted | None:
    """The charge of a transaction that moved nobody's money; failed ones are charged too.

    None when nothing was charged to a wallet of ours. One charge per transaction hash. `opens` is
    the account of a contract that the transaction made.
    """
    if not (legs := fee_legs(fact, fee_address)):
        if opens is not None:
            open_account(marketplace_id=marketplace_id, **vars(opens))
        return None
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.NETWORK_FEE,
        source=f"fee:{fact.hash}",
        legs=legs,
        fact=fact,
        operation_id=operation_id,
        actor=actor,
        opens=opens,
    )


def capital_in(
    *,
    marketplace_id: str,
    address: str,
    amount: int,
    source: str,
    fact: ChainFact | None = None,
    actor: Actor,
) -> Posted:
    """XLM that the operator (or friendbot) put into one of our wallets to pay fees with."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.CAPITAL,
        source=source,
        legs=[debit(K.XLM, address, amount, XLM), credit(K.CAPITAL, "", amount, XLM)],
        fact=fact,
        actor=actor,
    )


def fee_money_moved(
    *,
    marketplace_id: str,
    from_address: str,
    to_address: str,
    amount: int,
    source: str,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted | None:
    """XLM between our own wallets, a sponsored start balance too (then `amount` may be zero).

    None when neither did.
    """
    legs = [
        debit(K.XLM, to_address, amount, XLM),
        credit(K.XLM, from_address, amount, XLM),
        *fee_legs(fact, fee_address),
    ]
    if not any(leg.amount for leg in legs):
        return None
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.FEE_MONEY,
        source=source,
        legs=legs,
        fact=fact,
        operation_id=operation_id,
        actor=actor,
    )
