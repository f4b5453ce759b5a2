"""Jobs and sweeps of what there is to claim."""

from offerhub.chain import tables
from offerhub.chain.runner import advance
from offerhub.claims import services, watching
from offerhub.claims.claiming import DRIVER
from offerhub.claims.models import Claim
from offerhub.core import jobs


@jobs.job(services.JOB)
def claim(operation_id: str) -> None:
    """Bring one claim as far as it goes now."""
    advance(Claim, operation_id, DRIVER)


@jobs.job("claims.begin")
def begin(balance_id: str) -> None:
    """Claim what is due."""
    services.begin(balance_id=balance_id)


@jobs.job(watching.JOB)
def look(wallet_id: str) -> None:
    """Ask for what was set aside for one wallet."""
    watching.look(wallet_id)


@jobs.sweep("claims.due", every=5.0)
def due() -> list[jobs.Ring]:
    """Claims whose bell was lost, whose runner died, or whose next look is due; then what may be
    claimed now."""
    claims = [(services.JOB, row_id) for row_id in tables.due(Claim)]
    return claims + [("claims.begin", row_id) for row_id in watching.due_balances()]


@jobs.sweep("claims.looks", every=5.0)
def looks() -> list[jobs.Ring]:
    """Wallets whose look is due, within the budget."""
    return [(watching.JOB, wallet_id) for wallet_id in watching.due()]


@jobs.sweep("claims.new_wallets", every=60.0)
def new_wallets() -> list[jobs.Ring]:
    """Give new wallets their first look."""
    watching.enrol_new_wallets()
    return []
