"""The calls that subscriptions, campaigns, windows, fees and claims ask for by themselves: each
brought to where it is asked for and not run yet."""

from datetime import timedelta

from django.db.models.functions import Now
from stellar_sdk import Claimant

from offerhub.chain.submission import LIVE, Submission
from offerhub.claims import watching
from offerhub.claims.models import Claim, ClaimableBalance
from offerhub.core import clock, jobs
from offerhub.core.money import parse_amount
from offerhub.marketplaces import services as marketplaces
from offerhub.subscriptions import services as subscriptions
from offerhub.subscriptions.calendar import Interval
from offerhub.subscriptions.cancellation import When
from offerhub.users.models import Wallet
from orders import escrow_services, services
from orders.campaigns import pledging
from orders.campaigns import services as campaigns
from orders.campaigns.models import Campaign
from orders.campaigns.rules import JOB
from orders.models import EscrowOperation, Order, ReleaseWindow
from orders.reimbursements.models import Reimbursement
from orders.release_policy import ReleasePolicy, Starts
from tests.crash.scene import PRICE, Scene
from tests.sandbox.player import Player
from tests.world import ACTOR

AMOUNT = parse_amount(PRICE)


def _live(scene: Scene) -> EscrowOperation:
    return EscrowOperation.objects.get(marketplace=scene.world.marketplace, status__in=LIVE)


def ask_prepaid(scene: Scene) -> Submission:
    """One request reserves, deploys and funds."""
    tenant, new = scene.world.marketplace.id, services.NewOrder("ann", "bob", AMOUNT)
    order = services.create_order(marketplace_id=tenant, new=new, actor=ACTOR)
    with jobs.held():
        escrow_services.request_prepaid(marketplace_id=tenant, order_id=order.id, actor=ACTOR)
    return _live(scene)


def ask_at_the_windows_end(scene: Scene) -> Submission:
    """Nobody disputed in time: the seller's word, the buyer's and the release follow."""
    tenant = scene.world.marketplace.id
    policy = ReleasePolicy("P7D", Starts.FUNDED)
    new = services.NewOrder("ann", "bob", AMOUNT, policy=policy)
    order = services.create_order(marketplace_id=tenant, new=new, actor=ACTOR)
    escrow_services.request_prepaid(marketplace_id=tenant, order_id=order.id, actor=ACTOR)
    scene.world.settle()
    windows = ReleaseWindow.objects.filter(order=order)
    windows.update(ends_at=Now(), next_at=Now())  # as if a week had passed
    with jobs.held():
        jobs.step("orders.release_window", windows.get().milestone_id)
    return _live(scene)


def _subscribe(scene: Scene) -> str:
    new = subscriptions.NewSubscription("ann", "bob", AMOUNT, Interval.WEEK)
    with jobs.held():
        return subscriptions.create_subscription(
            marketplace_id=scene.world.marketplace.id, new=new, actor=ACTOR
        ).id


def ask_cycle(scene: Scene) -> Submission:
    """A week begins and is paid for."""
    _subscribe(scene)
    return _live(scene)


def ask_cut(scene: Scene) -> Submission:
    """It is cancelled before a cent of it is earned."""
    subscription = _subscribe(scene)
    scene.world.settle()
    with jobs.held():
        subscriptions.cancel(
            marketplace_id=scene.world.marketplace.id,
            subscription_id=subscription,
            when=When.NOW,
            actor=ACTOR,
        )
    return _live(scene)


def _campaign(scene: Scene, goal: str) -> str:
    """One with a pledge in its contract."""
    tenant = scene.world.marketplace.id
    deadline = clock.now() + timedelta(days=10)
    new = campaigns.NewCampaign("bob", "Project", parse_amount(goal), deadline)
    row = campaigns.create_campaign(marketplace_id=tenant, new=new, actor=ACTOR)
    pledging.pledge(
        marketplace_id=tenant,
        campaign_id=row.pk,
        new=services.NewOrder("ann", "bob", AMOUNT),
        actor=ACTOR,
    )
    scene.world.settle()
    return str(row.pk)


def ask_pledge(scene: Scene) -> Submission:
    """The goal is met, and the creator asks for the money."""
    campaign = _campaign(scene, PRICE)
    with jobs.held():
        tenant = scene.world.marketplace.id
        campaigns.settle(marketplace_id=tenant, campaign_id=campaign, actor=ACTOR)
    return _first_of(scene, campaign)


def ask_pledge_back(scene: Scene) -> Submission:
    """The campaign is called off."""
    campaign = _campaign(scene, "1000")
    with jobs.held():
        tenant = scene.world.marketplace.id
        campaigns.cancel(marketplace_id=tenant, campaign_id=campaign, actor=ACTOR)
    return _first_of(scene, campaign)


def _first_of(scene: Scene, campaign: str) -> Submission:
    Campaign.objects.filter(pk=campaign).update(next_at="2000-01-01T00:00:00Z")
    with jobs.held():
        jobs.step(JOB, campaign)
    return _live(scene)


def ask_reimbursement(scene: Scene) -> Submission:
    """The marketplace takes 5 % and bears them of refunds; a refund has just been paid out."""
    tenant = scene.world.marketplace
    marketplaces.update_marketplace(
        marketplace_id=tenant.id,
        name=tenant.name,
        platform_fee_percent=5,
        refund_fees_borne_by="MARKETPLACE",
        release_policy=None,
        actor=ACTOR,
    )
    scene.ask("RESOLVE", PRICE)
    platform = Wallet.objects.get(marketplace=tenant, kind="PLATFORM")
    scene.world.network.mint(platform.address, "5")
    scene.world.watch()
    with jobs.held():
        jobs.step("orders.operation", _live(scene).id)
    assert Order.objects.get(pk=scene.order).status == "REFUNDED"
    return Reimbursement.objects.get(order=scene.order)


def ask_claim(scene: Scene) -> Submission:
    """Somebody outside set five USDC aside for Bob."""
    wallet = scene.world.wallet(scene.bob)
    with Player(scene.world.network.url) as player:
        eve = player.person("5")
        builder = player.builder(eve)
        builder.append_create_claimable_balance_op(player.usdc, "5", [Claimant(wallet.address)])
        assert player.submit(builder, eve).ok
    watching.look_now(wallet_id=wallet.pk)
    with jobs.held():
        jobs.step("claims.look", wallet.pk)
        jobs.step("claims.begin", ClaimableBalance.objects.get(wallet=wallet).pk)
    return Claim.objects.get(source_wallet=wallet)
