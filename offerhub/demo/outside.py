"""Somebody's own Stellar wallet, made with the ordinary SDK: the destination of a withdrawal."""

import requests
from stellar_sdk import Asset, Keypair, TransactionBuilder
from stellar_sdk.account import Account

from offerhub.demo.client import Patience, Sandbox


def open_wallet(sandbox: Sandbox, wallet: Keypair, issuer: str) -> None:
    """Have the account funded and let it trust the dollar token; what is there is left alone."""
    passphrase = sandbox.get("/control/health")["networkPassphrase"]
    address = wallet.public_key
    patience = Patience("the wallet outside")
    while True:
        account = sandbox.find(f"/accounts/{address}")
        if account is None:
            _try(f"{sandbox.url}/friendbot", "GET", {"addr": address})
        elif any(b.get("asset_issuer") == issuer for b in account["balances"]):
            return
        else:
            transaction = (
                TransactionBuilder(
                    Account(address, int(account["sequence"])), passphrase, base_fee=100
                )
                .append_change_trust_op(Asset("USDC", issuer))
                .add_time_bounds(0, 0)  # the sandbox has a clock of its own
                .build()
            )
            transaction.sign(wallet)
            _try(f"{sandbox.url}/transactions", "POST", {"tx": transaction.to_xdr()})
        patience.wait("the sandbox network does not open it")


def _try(url: str, method: str, values: dict[str, str]) -> None:
    """Send, and let the next look at the account say what came of it."""
    names = {"GET": "params", "POST": "data"}
    try:
        requests.request(method, url, timeout=30, **{names[method]: values})  # type: ignore[arg-type]
    except requests.RequestException:
        return
