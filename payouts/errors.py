"""What withdrawals refuse, beside `offerhub.core.errors`."""

from offerhub.core.errors import Conflict, Unprocessable


class WalletNotManaged(Unprocessable):
    """The party holds their own key: nobody else can sign a payment from their wallet."""

    code, title = "wallet_not_managed", "The user's own wallet is not ours to pay from"


class WithdrawalsPaused(Conflict):
    """The marketplace's own switch: what is asked for now is refused, what is not signed waits."""

    code, title = "withdrawals_paused", "The marketplace has paused its withdrawals"


class LimitExceeded(Unprocessable):
    """`per` says which limit (withdrawal, userDay, marketplaceDay), `limit` how much it is, `used`
    what of it is taken in the last 24 hours, `requested` what was asked for."""

    code, title = "limit_exceeded", "This is over a limit of the marketplace"
