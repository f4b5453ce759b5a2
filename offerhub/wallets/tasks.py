"""Jobs and sweeps of wallets."""

from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.runner import advance
from offerhub.chain.tables import due
from offerhub.core import jobs
from offerhub.users.models import Wallet
from offerhub.wallets import friendbot, services
from offerhub.wallets.driver import DRIVER
from offerhub.wallets.models import WalletOperation

WAIT_FOR_MONEY = 5.0  # seconds until a platform wallet without an account is looked at again


@jobs.job("wallets.bring_to_life")
def bring_to_life(wallet_id: str) -> None:
    """See to what the wallet needs now; an operation that is requested here runs after this."""
    wallet = Wallet.objects.get(pk=wallet_id)
    if wallet.kind == Wallet.Kind.PLATFORM:
        if wallet.status == Wallet.Status.ACTIVE:
            friendbot.refill(wallet)
            return
        if not _has_account(wallet):
            raise jobs.Later(WAIT_FOR_MONEY)
    services.request_operation(wallet_id=wallet_id)


def _has_account(wallet: Wallet) -> bool:
    """Whether the platform wallet is on the chain; test networks give it money for the asking."""
    if stellar.account(wallet.address).exists:
        return True
    if not current().friendbot_url:
        return False  # on a real network the operator sends the first XLM
    stellar.friendbot(wallet.address)
    return True


@jobs.job("wallets.operation")
def run_operation(operation_id: str) -> None:
    """Bring one wallet operation as far as it goes now."""
    advance(WalletOperation, operation_id, DRIVER)


@jobs.sweep("wallets.in_need", every=1.0)
def sweep_wallets() -> list[jobs.Ring]:
    """Wallets that are not alive yet or low on fee money."""
    return [("wallets.bring_to_life", row) for row in services.in_need()]


@jobs.sweep("wallets.operations", every=0.5)
def sweep_operations() -> list[jobs.Ring]:
    """Operations that are due: never rung for, put off, or left by a process that died."""
    return [("wallets.operation", row) for row in due(WalletOperation)]
