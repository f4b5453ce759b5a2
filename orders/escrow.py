"""The runner of contract calls: how each is built, signed and sent. No transaction is open here."""

from collections.abc import Callable

from offerhub.chain import keys, trustless_work
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.types import ChainFact, Envelope, Outcome
from orders import escrow_services as services
from orders.models import Escrow, EscrowOperation, Order

Kind = EscrowOperation.Kind
# The provider's limits on the texts of a contract.
LONGEST_TITLE, LONGEST_TEXT = 100, 500


class EscrowDriver(LedgerReads):
    """Builds each call through the escrow provider and signs it with the party's wallet."""

    def build(self, row: EscrowOperation) -> Envelope:
        """The unsigned envelope of this operation's call, inspected."""
        return _BUILDERS[Kind(row.kind)](row, row.order.escrow)

    def sign(self, row: EscrowOperation, envelope: Envelope) -> str:
        """Every call has one signer, who is its source."""
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: EscrowOperation) -> Outcome:
        """Hand it to the provider."""
        return trustless_work.send(row.xdr)

    def confirm(self, row: EscrowOperation, fact: ChainFact) -> None:
        """Carry the fact into the books."""
        services.confirm(row.id, fact)

    def fail(self, row: EscrowOperation, code: str, detail: str, fact: ChainFact | None) -> None:
        """Carry the proven failure into the books."""
        services.fail(row.id, code, detail, fact)


def _signer(row: EscrowOperation) -> str:
    return row.source_wallet.address


def _index(row: EscrowOperation) -> int:
    assert row.milestone is not None
    return row.milestone.position


def _deploy(row: EscrowOperation, escrow: Escrow) -> Envelope:
    order: Order = row.order
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
        parts=[trustless_work.Part(m.description, m.amount) for m in order.milestones.all()],
    )
    return trustless_work.deploy(_signer(row), new)


def _fund(row: EscrowOperation, escrow: Escrow) -> Envelope:
    return trustless_work.fund(escrow.kind, escrow.contract_id, _signer(row), escrow.amount)


def _complete(row: EscrowOperation, escrow: Escrow) -> Envelope:
    evidence = row.args.get("evidence", "")
    return trustless_work.change_status(
        escrow.kind, escrow.contract_id, _signer(row), _index(row), "completed", evidence
    )


def _approve(row: EscrowOperation, escrow: Escrow) -> Envelope:
    return trustless_work.approve(escrow.kind, escrow.contract_id, _signer(row), _index(row))


def _release(row: EscrowOperation, escrow: Escrow) -> Envelope:
    return trustless_work.release(escrow.kind, escrow.contract_id, _signer(row), _index(row))


def _dispute(row: EscrowOperation, escrow: Escrow) -> Envelope:
    return trustless_work.dispute(escrow.kind, escrow.contract_id, _signer(row), _index(row))


def _resolve(row: EscrowOperation, escrow: Escrow) -> Envelope:
    """Shares in stroops from the plan.

    A single-release contract must be emptied exactly, so its balance is read now: what a stranger
    sent into it goes to the buyer, by rule, else one stroop of dust would block every refund.
    """
    shares = {escrow.seller_address: row.args["seller"], escrow.buyer_address: row.args["buyer"]}
    if escrow.kind == Escrow.Kind.SINGLE:
        held = trustless_work.balance(escrow.contract_id)
        shares[escrow.buyer_address] += held - sum(shares.values())
    return trustless_work.resolve(
        escrow.kind, escrow.contract_id, _signer(row), _index(row), shares
    )


_BUILDERS: dict[Kind, Callable[[EscrowOperation, Escrow], Envelope]] = {
    Kind.DEPLOY: _deploy,
    Kind.FUND: _fund,
    Kind.COMPLETE: _complete,
    Kind.APPROVE: _approve,
    Kind.RELEASE: _release,
    Kind.DISPUTE: _dispute,
    Kind.RESOLVE: _resolve,
}

DRIVER = EscrowDriver()
