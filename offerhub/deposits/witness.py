"""Whether the network is still the one that was followed.

Stellar has no reorganisations: a ledger that was seen stays. If the same number comes with another
hash or another time, the network was reset, or the address leads to another one.
"""

from django.conf import settings

from offerhub.chain import http, records
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.deposits.models import ChainCursor
from offerhub.deposits.services import Witness


def is_another_history(row: ChainCursor) -> bool:
    """Whether the network shows our witness differently. Raises ChainUnavailable."""
    shown = read_ledger(row.witness_ledger)
    return (shown.hash, shown.closed_at) != (row.witness_hash, row.witness_closed_at)


def read_ledger(number: int) -> Witness:
    """A closed ledger as Horizon shows it now. Raises ChainUnavailable, also when it has none."""
    answer = http.read(f"{current().horizon_url}/ledgers/{number}")
    if answer.status == 404:
        raise ChainUnavailable(f"Horizon does not show ledger {number}")
    with http.in_known_shape(f"Horizon's ledger {number}"):
        body = answer.body
        return Witness(int(body["sequence"]), body["hash"], records.instant(body["closed_at"]))


def sandbox_clock_offset() -> float | None:
    """How many seconds the sandbox's clock is ahead; None on real networks."""
    if settings.OFFERHUB_NETWORK != "sandbox":
        return None
    answer = http.read(f"{settings.SANDBOX_URL}/control/clock")
    with http.in_known_shape("the sandbox's clock"):
        return float(answer.body["offset"])
