"""The runner of contract calls: how each is built, signed and sent. No transaction is open here."""

from collections.abc import Callable
from typing import Any

from offerhub.chain import keys, trustless_work
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.holdings import contract_balance
from offerhub.chain.runner import NOT_SIGNED, WITHDRAWN
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.core import clock
from offerhub.core.money import format_amount
from orders import outcomes, rows
from orders.models import EscrowOperation
from orders.plans import BALANCE_MOVED

Kind = EscrowOperation.Kind
Args = dict[str, Any]
# The provider's limits on the texts of a contract.
LONGEST_TITLE, LONGEST_TEXT = 100, 500
CENT = 100_000  # stroops; the contract divides whole cents exactly


class EscrowDriver(LedgerReads):
    """Builds each call through the escrow provider and signs it with the party's wallet."""

    def build(self, row: EscrowOperation) -> Envelope:
        """The unsigned envelope of this operation's call, inspected."""
        return _BUILDERS[Kind(row.kind)](row, row.args)

    def party_signs(self, row: EscrowOperation) -> bool:
        """Whether the call is a party's who holds their own key."""
        return row.party_signs

    def given_up(self, row: EscrowOperation) -> str:
        """Called off, or not signed in time."""
        if row.withdrawn_at is not None:
            return WITHDRAWN
        return NOT_SIGNED if row.sign_by is not None and row.sign_by <= clock.now() else ""

    def sign(self, row: EscrowOperation, envelope: Envelope) -> str:
        """Every call has one signer, who is its source."""
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: EscrowOperation) -> Outcome:
        """Hand it to the provider."""
        return trustless_work.send(row.xdr)

    def confirm(self, row: EscrowOperation, fact: ChainFact) -> None:
        """Carry the fact into the books."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: EscrowOperation, code: str, detail: str, fact: ChainFact | None) -> None:
        """Carry the proven failure into the books."""
        outcomes.fail(row.id, code, detail, fact)

    def retire(self, row: EscrowOperation, code: str, fact: ChainFact) -> None:
        """Book the charge of an envelope that another one follows."""
        outcomes.retire(row, code, fact)


def _deploy(row: EscrowOperation, args: Args) -> Envelope:
    order, milestones = rows.terms(row.order_id)
    escrow = order.escrow
    new = trustless_work.NewEscrow(
        kind=escrow.kind,
        engagement=order.id,
        title=(order.title or order.description or "Order")[:LONGEST_TITLE],
        description=(order.description or order.title or "Order")[:LONGEST_TEXT],
        roles=trustless_work.Roles(
            buyer=escrow.buyer_address,
            seller=escrow.seller_address,
            platform=escrow.platform_address,
            resolver=escrow.resolver_address,
        ),
        fee_percent=order.platform_fee_percent,
        parts=[trustless_work.Part(m.description, m.amount) for m in milestones],
    )
    return trustless_work.deploy(row.source_wallet.address, new)


def _fund(row: EscrowOperation, args: Args) -> Envelope:
    return trustless_work.fund(
        args["kind"], args["contract"], row.source_wallet.address, args["amount"]
    )


def _complete(row: EscrowOperation, args: Args) -> Envelope:
    return trustless_work.change_status(
        args["kind"],
        args["contract"],
        row.source_wallet.address,
        args["index"],
        "completed",
        args.get("evidence", ""),
    )


def _approve(row: EscrowOperation, args: Args) -> Envelope:
    return trustless_work.approve(*_call(row, args))


def _release(row: EscrowOperation, args: Args) -> Envelope:
    return trustless_work.release(*_call(row, args))


def _dispute(row: EscrowOperation, args: Args) -> Envelope:
    return trustless_work.dispute(*_call(row, args))


def _resolve(row: EscrowOperation, args: Args) -> Envelope:
    """Shares in stroops from the plan.

    A single-release contract must be emptied exactly, so its balance is read now. What a stranger
    sent into it goes to the one who gets everything, and in a split to the buyer, by rule: else
    one stroop of dust would block every settlement.
    """
    shares = {args["seller"]: args["to_seller"], args["buyer"]: args["to_buyer"]}
    if args["kind"] == trustless_work.SINGLE:
        surplus = contract_balance(args["contract"]) - sum(shares.values())
        both = args["to_seller"] and args["to_buyer"]
        if surplus < 0 or (both and surplus % CENT):
            # With a part of a cent the contract's rounding would overpay, and so refuse.
            raise BuildRefused(
                BALANCE_MOVED,
                f"The contract holds {format_amount(abs(surplus))} USDC "
                f"{'less' if surplus < 0 else 'more'} than the order's money",
            )
        shares[args["buyer"] if args["to_buyer"] else args["seller"]] += surplus
    return trustless_work.resolve(*_call(row, args), shares)


def _sweep(row: EscrowOperation, args: Args) -> Envelope:
    """What a single-release contract holds beyond the order's money, to the buyer."""
    surplus = contract_balance(args["contract"]) - args["amount"]
    if surplus <= 0:
        raise BuildRefused("nothing_to_sweep", "The contract holds the order's money and no more")
    return trustless_work.withdraw_remaining(
        args["kind"], args["contract"], row.source_wallet.address, {args["buyer"]: surplus}
    )


def _call(row: EscrowOperation, args: Args) -> tuple[str, str, str, int]:
    return args["kind"], args["contract"], row.source_wallet.address, args["index"]


_BUILDERS: dict[Kind, Callable[[EscrowOperation, Args], Envelope]] = {
    Kind.DEPLOY: _deploy,
    Kind.FUND: _fund,
    Kind.COMPLETE: _complete,
    Kind.APPROVE: _approve,
    Kind.RELEASE: _release,
    Kind.DISPUTE: _dispute,
    Kind.RESOLVE: _resolve,
    Kind.SWEEP: _sweep,
}

DRIVER = EscrowDriver()
