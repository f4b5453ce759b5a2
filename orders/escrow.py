"""The runner of contract calls: how each is built, signed and sent. No transaction is open here."""

from collections.abc import Callable

from django.conf import settings

from offerhub.chain import keys, stellar, trustless_work
from offerhub.chain.network import current
from offerhub.chain.types import ChainFact, Envelope, Outcome
from offerhub.core.money import UNIT
from orders import escrow_services as services
from orders.models import Escrow, EscrowOperation

Kind = EscrowOperation.Kind


class EscrowDriver:
    """Builds each call through the escrow provider and signs it with the party's wallet."""

    def build(self, row: EscrowOperation) -> Envelope:
        return _BUILDERS[Kind(row.kind)](row, row.order.escrow)
