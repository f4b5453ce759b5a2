"""Funded orders of several marketplaces, made in a process beside a running instance.

    python -m bench.sales 2 30 10

makes two marketplaces with thirty orders each, of ten buyers and ten sellers.
"""

import os
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

from django.conf import settings  # noqa: E402

from offerhub.chain import http  # noqa: E402
from offerhub.core.actor import system  # noqa: E402
from offerhub.core.money import UNIT  # noqa: E402
from offerhub.marketplaces import services as marketplaces  # noqa: E402
from offerhub.users import services as users  # noqa: E402
from offerhub.users.models import Wallet  # noqa: E402
from orders import escrow_services, services  # noqa: E402
from orders.models import Order  # noqa: E402

ACTOR = system("bench")
PATIENCE = 1200.0  # seconds for the whole preparation
PRICE = 10


def main() -> None:
    """Make them, and wait until the instance's worker has funded them all."""
    markets, orders, pairs = (int(word) for word in sys.argv[1:])
    made = [marketplaces.create_marketplace(name=f"Bench {n}", actor=ACTOR) for n in range(markets)]
    for market in made:
        users.make_own_wallets(marketplace_id=market.id)
    for market in made:
        for pair in range(pairs):
            for role in ("buyer", "seller"):
                new = users.NewUser(f"{role}{pair}")
                users.create_user(marketplace_id=market.id, new=new, actor=ACTOR)
    ids = [market.id for market in made]
    wallets = Wallet.objects.filter(marketplace__in=ids)
    until(lambda: not wallets.exclude(status="ACTIVE").exists())
    each = -(-orders // pairs) * PRICE
    for address in wallets.filter(user__external_id__startswith="buyer").values_list("address"):
        mint(address[0], str(each))
    for market in made:
        for number in range(orders):
            place(market.id, number % pairs)
    made_of_them = Order.objects.filter(marketplace__in=ids)
    until(lambda: not made_of_them.exclude(status="IN_PROGRESS").exists())


def place(market: str, pair: int) -> None:
    """One order, reserved as soon as the money is seen, deployed and funded."""
    new = services.NewOrder(f"buyer{pair}", f"seller{pair}", PRICE * UNIT)
    order = services.create_order(marketplace_id=market, new=new, actor=ACTOR)

    def prepaid() -> bool:
        from offerhub.core.errors import InsufficientFunds

        try:
            escrow_services.request_prepaid(marketplace_id=market, order_id=order.id, actor=ACTOR)
        except InsufficientFunds:
            return False
        return True

    until(prepaid)


def mint(address: str, amount: str) -> None:
    """Money from the sandbox's issuer."""
    import orjson

    body: dict[str, Any] = {"address": address, "amount": amount}
    answer = http.call("POST", f"{settings.SANDBOX_URL}/control/mint", content=orjson.dumps(body))
    assert answer.ok, answer.body


def until(done: Any) -> None:
    """Wait for it."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the instance does not get there")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
