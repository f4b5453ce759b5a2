"""Which wallets the sweep takes up."""

from offerhub.marketplaces import services as marketplaces
from offerhub.users import services as users
from offerhub.users.models import Wallet
from offerhub.wallets import services
from tests.world import ACTOR, World


def test_a_wallet_whose_marketplace_has_no_sponsor_yet_holds_nobody_up(world: World) -> None:
    world.work()  # what earlier tests left
    other = marketplaces.create_marketplace(name="Not set up", actor=ACTOR)
    user, _ = users.create_user(marketplace_id=other.id, new=users.NewUser("early"), actor=ACTOR)
    wallet = Wallet.objects.get(user=user)
    assert wallet.id not in services.in_need()
    assert services.request_operation(wallet_id=wallet.id) is None
    assert world.work() == 0

    users.make_own_wallets(marketplace_id=other.id)
    for _ in range(3):
        world.work()
    wallet.refresh_from_db()
    assert wallet.status == Wallet.Status.ACTIVE
