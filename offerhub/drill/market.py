"""The marketplace that drills are played in."""

from collections.abc import Iterator
from contextlib import contextmanager

from offerhub.core.actor import system
from offerhub.demo.client import Patience
from offerhub.marketplaces import scopes
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import Marketplace
from offerhub.users import services as users
from offerhub.users.models import Wallet

NAME, ACTOR = "Drill", system("drill")


def ready_marketplace() -> Marketplace:
    """The one of earlier drills, else a new one; its wallets are alive. Raises NoProgress."""
    found = Marketplace.objects.filter(name=NAME).order_by("created_at").first()
    if found is None:
        found = marketplaces.create_marketplace(name=NAME, actor=ACTOR)
    users.make_own_wallets(marketplace_id=found.id)
    own = Wallet.objects.filter(marketplace=found, user=None)
    patience = Patience("the marketplace's wallets")
    while own.exclude(status=Wallet.Status.ACTIVE).exists():
        patience.wait("they are not alive on the network yet")
    return found


@contextmanager
def key_to(market: Marketplace) -> Iterator[str]:
    """A key that may do everything there, for as long as the block lasts."""
    new = marketplaces.create_api_key(
        marketplace_id=market.id, name="Drill", scopes=scopes.ALL, actor=ACTOR
    )
    try:
        yield new.token
    finally:
        marketplaces.revoke_api_key(key_id=new.key.pk, actor=ACTOR)
