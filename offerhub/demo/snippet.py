"""The two users that the first lines about an SDK name: `usr_123` buys of `usr_456`."""

from decimal import Decimal

from offerhub.demo.client import Api, Sandbox

BUYER, SELLER = "usr_123", "usr_456"
LEAST, GIVEN = Decimal(100), "1000"  # USDC


def make_ready(api: Api, sandbox: Sandbox) -> str:
    """Wallets alive, and money for ten runs when there is not enough for one."""
    for user in (BUYER, SELLER):
        api.until(f"/users/{user}", lambda u: u["wallet"]["status"] == "ACTIVE", "the wallet")
    balance, address = f"/users/{BUYER}/balance", api.get(f"/users/{BUYER}")["wallet"]["address"]
    if Decimal(api.get(balance)["available"]) < LEAST:
        sandbox.post("/control/mint", {"address": address, "amount": GIVEN})
        api.until(balance, lambda b: Decimal(b["available"]) >= LEAST, "the deposit")
    return f"{BUYER} has {api.get(balance)['available']} USDC for {SELLER}"
