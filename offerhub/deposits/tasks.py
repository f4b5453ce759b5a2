"""Jobs and sweeps of deposits. The events themselves are followed by `manage.py monitor`."""

from offerhub.core import jobs
from offerhub.deposits import scans


@jobs.job("deposits.scan")
def scan_wallet(wallet_id: str) -> None:
    """Read one wallet's own history through Horizon."""
    scans.scan(wallet_id)


@jobs.sweep("deposits.scans", every=5.0)
def sweep_scans() -> list[jobs.Ring]:
    """Wallets whose time has come: after a gap in the events all, otherwise a few at a time."""
    scans.close_gap()
    return [("deposits.scan", wallet) for wallet in scans.due()]


@jobs.sweep("deposits.new_wallets", every=60.0)
def sweep_new_wallets() -> list[jobs.Ring]:
    """Give new wallets their first appointment."""
    scans.enrol_new_wallets()
    return []
