"""Where a withdrawal may go: looked at before anything is debited, with no transaction open."""

from dataclasses import dataclass
from math import ceil

from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.core.db import assert_no_transaction
from offerhub.core.errors import (
    DestinationRefused,
    FieldError,
    InvalidRequest,
    Unavailable,
    WalletNotActive,
)
from offerhub.users.models import User, Wallet
from offerhub.users.services import find_users
from payouts.errors import WalletNotManaged
from payouts.memos import Memo


@dataclass(frozen=True)
class Checked:
    """A request whose user can pay and whose destination could take this amount just now.

    The chain checks the destination again when the payment applies; this spares everybody a
    payment that must fail.
    """

    user: User
    wallet: Wallet
    destination: str
    memo: Memo
    amount: int


def check(
    *, marketplace_id: str, user_reference: str, destination: str, memo: Memo, amount: int
) -> Checked:
    """Ask our own tables, then the network. Two queries and one request.

    Raises InvalidReference, WalletNotActive, WalletNotManaged, InvalidRequest, DestinationRefused
    (with `reason`), and Unavailable when the network does not answer.
    """
    assert_no_transaction()
    account = stellar.receiving_account(destination)
    if memo.value and destination.startswith("M"):
        raise InvalidRequest(
            errors=[FieldError("memo", "memo_not_allowed", "is inside a muxed address already")]
        )
    user = find_users(marketplace_id, {"userId": user_reference})["userId"]
    _refuse_unless_ours_to_pay_from(user.wallet)
    _refuse_own_wallets(account, user)
    try:
        if account == current().usdc_issuer:
            raise _refused("asset_issuer", "is the asset's issuer; paying it destroys the money")
        stellar.check_destination(destination, amount, has_memo=bool(memo.value))
    except ChainUnavailable as error:
        raise Unavailable(
            f"The destination could not be checked on the network: {error}",
            retry_after=ceil(error.retry_after),
        ) from error
    return Checked(user, user.wallet, destination, memo, amount)


def _refuse_unless_ours_to_pay_from(wallet: Wallet) -> None:
    if wallet.kind != Wallet.Kind.MANAGED:
        text = "holds the key of their wallet themselves; they pay from it without us"
        raise WalletNotManaged(errors=[FieldError("userId", "wallet_not_managed", text)])
    if wallet.status != Wallet.Status.ACTIVE:
        text = f"has a wallet that is {wallet.status}, not active on the network yet"
        raise WalletNotActive(errors=[FieldError("userId", "wallet_not_active", text)])


def _refuse_own_wallets(account: str, user: User) -> None:
    """What leaves must leave: a payment between wallets of this installation would be counted as
    money that came from outside."""
    if account == user.wallet.address:
        raise _refused("own_wallet", "is this user's own deposit address")
    if Wallet.objects.filter(address=account).exists():
        raise _refused("own_wallet", "is a wallet of this installation, not an address outside")


def _refused(reason: str, text: str) -> DestinationRefused:
    return DestinationRefused(errors=[FieldError("destination", reason, text)], reason=reason)
