"""How users and wallets are shown by the API."""

from typing import Any

from offerhub.chain.network import current
from offerhub.users.models import User, Wallet


def wallet_body(wallet: Wallet) -> dict[str, Any]:
    """The deposit address, what may be sent there, and whether it is alive on the network.

    A wallet belongs to one user, so no memo is ever needed to tell whose deposit it is.
    """
    network = current()
    return {
        "address": wallet.address,
        "status": wallet.status,
        "kind": wallet.kind,
        "network": network.name,
        "asset": {"code": network.asset_code, "issuer": network.usdc_issuer},
        "memoRequired": False,
    }


def user_body(user: User) -> dict[str, Any]:
    """A user that was read with their wallet."""
    return {
        "id": user.id,
        "externalId": user.external_id,
        "name": user.name,
        "email": user.email,
        "metadata": user.metadata,
        "wallet": wallet_body(user.wallet),
        "createdAt": user.created_at,
    }
