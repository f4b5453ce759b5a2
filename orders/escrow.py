"""The runner of contract calls: how each is built, signed and sent. No transaction is open here."""

from offerhub.chain.types import Envelope
from orders.models import EscrowOperation

Kind = EscrowOperation.Kind


class EscrowDriver:
    """Builds each call through the escrow provider and signs it with the party's wallet."""

    def build(self, row: EscrowOperation) -> Envelope:
        return _BUILDERS[Kind(row.kind)](row, row.order.escrow)
