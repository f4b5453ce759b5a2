"""What withdrawals refuse, beside `offerhub.core.errors`."""

from offerhub.core.errors import Unprocessable


class WalletNotManaged(Unprocessable):
    """The party holds their own key: nobody else can sign a payment from their wallet."""

    code, title = "wallet_not_managed", "The user's own wallet is not ours to pay from"
