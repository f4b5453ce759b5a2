"""Beginnings, long outages and networks that are not the one that was followed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from offerhub.chain import events
from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock, jobs
from offerhub.deposits import monitor, scans, services
from offerhub.deposits.models import ChainCursor, WalletScan
from offerhub.deposits.services import position_of
from offerhub.users import services as users
from offerhub.users.models import Wallet
from tests.deposits.anew import set_clocks_alike
from tests.deposits.scene import Scene
from tests.network import Network
from tests.world import ACTOR, World

Start = Callable[..., Network]


def _scan(*wallets: Wallet) -> None:
    """Read these wallets now, as the sweep would."""
    WalletScan.objects.filter(wallet__in=wallets).update(due_at=Now())
    for wallet in wallets:
        jobs.run("deposits.scan", wallet.id)


def _only(*wallets: Wallet) -> None:
    """Wallets of earlier tests are on other networks: they were all read a moment from now."""
    WalletScan.objects.exclude(wallet__in=wallets).update(
        scanned_at=Now() + timedelta(hours=1), due_at=Now() + timedelta(days=365)
    )


# --- the first start --------------------------------------------------------------------------
def test_what_arrived_before_the_monitor_ever_ran_is_found(another: Start) -> None:
    scene = Scene(World(another()))
    scene.network.mint(scene.address, "5")
    scene.network.advance("PT1H")  # far more ledgers than the first look goes back
    ChainCursor.objects.all().delete()  # as if the monitor had never run
    WalletScan.objects.all().delete()
    booked = scene.watch()
    assert (booked.credited, scene.available()) == (0, "0.00")
    assert scene.cursor.gap_since is not None
    _scan(scene.wallet)
    assert scene.available() == "5.00"


def test_a_restart_goes_on_where_the_last_run_ended(scene: Scene) -> None:
    """Never "from now on": what came meanwhile is behind the cursor."""
    scene.network.mint(scene.address, "1")
    scene.network.advance("PT2H")
    scene.network.mint(scene.address, "2")
    monitor.forget()
    scene.watch()
    assert scene.available() == "3.00"


# --- what the events have forgotten ------------------------------------------------------------
@pytest.fixture
def forgetful(another: Start) -> Scene:
    """A network whose RPC server keeps the last 200 ledgers (about a quarter of an hour)."""
    return Scene(World(another(retention=200)))


def _outage(scene: Scene, deposits: int) -> None:
    """Deposits while the monitor is away, most of them beyond the server's memory at the end."""
    sender = scene.player.person(str(deposits + 10))
    for done in range(0, deposits, 50):
        part = min(50, deposits - done)
        scene.pay(sender, *[(scene.address, "1")] * part)
    scene.network.advance("PT3H")
    scene.pay(sender, (scene.address, "10"))


def test_what_the_events_have_forgotten_is_read_through_horizon(forgetful: Scene) -> None:
    scene = forgetful
    _outage(scene, 30)
    old = scene.cursor.ledger
    scene.watch()
    assert scene.available() == "10.00"  # only what the events still show
    row = scene.cursor
    assert row.gap_since is not None
    assert row.gap_until > old
    _only(scene.wallet)
    assert monitor.status().wallets_to_read == 1
    assert "1 wallets are still to be read after an outage" in monitor.status().problems
    _scan(scene.wallet)
    assert (scene.available(), len(scene.deposits())) == ("40.00", 31)
    assert scans.close_gap()
    assert scene.cursor.gap_since is None
    assert monitor.status().wallets_to_read == 0


def test_the_events_go_on_while_wallets_are_still_being_read(forgetful: Scene) -> None:
    scene = forgetful
    _outage(scene, 3)
    scene.watch()
    scene.network.mint(scene.address, "100")
    scene.watch()
    assert scene.available() == "110.00"
    _scan(scene.wallet)
    assert scene.available() == "113.00"


def test_what_both_sources_show_is_booked_once(forgetful: Scene) -> None:
    """Payments, a path payment with its trades, token transfers: every kind is named alike."""
    scene = forgetful
    sender = scene.player.person("100")
    scene.pay(sender, (scene.address, "1"), (scene.address, "1"))
    usdc = scene.player.usdc
    path = scene.player.builder(sender)
    path.append_path_payment_strict_send_op(scene.address, usdc, "3", usdc, "3", [])
    scene.send(path, sender)
    scene.token_transfer(sender, scene.address, 4_0000000)
    scene.network.mint(scene.address, "5")
    scene.watch()
    assert scene.available() == "14.00"
    before = [(d.operation, d.index) for d in scene.deposits()]
    scans.enrol_new_wallets()
    _scan(scene.wallet, scene.own("PLATFORM"), scene.own("RESOLVER"))
    assert [(d.operation, d.index) for d in scene.deposits()] == before
    assert scene.available() == "14.00"
    platform = scene.own("PLATFORM").address
    assert scene.posted("xlm", platform, "XLM") == _chain_xlm(scene, platform)


def _chain_xlm(scene: Scene, address: str) -> int:
    from stellar_sdk import Asset

    return int(scene.player.balance(address, Asset.native()) * 10**7)


def test_a_scan_first_and_the_events_after_it_book_once(forgetful: Scene) -> None:
    scene = forgetful
    scans.enrol_new_wallets()
    scene.network.mint(scene.address, "5")
    _scan(scene.wallet)
    assert scene.available() == "5.00"
    assert scene.watch().known >= 1
    assert (scene.available(), len(scene.entries())) == ("5.00", 1)


def test_a_long_history_is_read_page_by_page_and_a_scan_goes_on_where_it_was(
    forgetful: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = forgetful
    monkeypatch.setattr(scans, "PAGE", 7)
    monkeypatch.setattr(scans, "PAGES", 2)
    scans.enrol_new_wallets()
    _outage(scene, 30)
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    with pytest.raises(jobs.Later):
        scans.scan(scene.wallet.id)
    first = WalletScan.objects.get(wallet=scene.wallet)
    assert (first.scanned_at, len(scene.deposits())) == (None, 13)  # and the wallet's activation
    jobs.run("deposits.scan", scene.wallet.id, patience=30)
    last = WalletScan.objects.get(wallet=scene.wallet)
    assert last.scanned_at is not None
    assert int(last.cursor) > int(first.cursor)
    assert scene.available() == "40.00"


def test_a_wallet_counts_as_read_only_when_horizon_has_passed_the_gap(
    forgetful: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = forgetful
    monkeypatch.setattr(scans, "_horizon_at", (0, 0))  # of this process, on another network
    _outage(scene, 3)
    scene.watch()
    gap = scene.cursor.gap_until
    ChainCursor.objects.update(gap_until=gap + 10_000)
    _scan(scene.wallet)
    one = WalletScan.objects.get(wallet=scene.wallet)
    assert one.scanned_at is None
    assert "the gap ends" in one.problem
    ChainCursor.objects.update(gap_until=gap)
    _scan(scene.wallet)
    assert scene.available() == "13.00"


@pytest.mark.parametrize("answer", ["504-before", "429", "503", "drop"])
def test_a_horizon_that_fails_puts_the_scan_off(scene: Scene, answer: str) -> None:
    scans.enrol_new_wallets()
    scene.network.fault(answer, "/accounts/", times=1)
    _scan(scene.wallet)
    one = WalletScan.objects.get(wallet=scene.wallet)
    assert one.scanned_at is None
    assert one.problem
    _scan(scene.wallet)
    assert WalletScan.objects.get(wallet=scene.wallet).problem == ""


def test_two_scans_of_one_wallet_at_once_are_one(scene: Scene) -> None:
    scans.enrol_new_wallets()
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    assert scans._claim(scene.wallet.id) is not None
    assert scans._claim(scene.wallet.id) is None


def test_a_gap_that_opens_during_a_scan_makes_the_wallet_due_again(scene: Scene) -> None:
    """That reading may have ended before the gap did."""
    scans.enrol_new_wallets()
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    started = scans._claim(scene.wallet.id)
    assert started is not None
    newest = scene.cursor.latest_ledger
    services.skip_forgotten(position_of(scene.cursor), newest=newest, oldest=1)
    scans._finish(scene.wallet.id, started)
    assert scene.wallet.id in scans.due(10_000)
    assert scans._behind(scene.cursor).filter(wallet=scene.wallet).exists()
    _scan(scene.wallet)
    assert not scans._behind(scene.cursor).filter(wallet=scene.wallet).exists()


def test_what_the_followed_contracts_do_not_show_is_found_by_the_rotation(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On real networks the events of every asset would be too many; the rotation sees the rest."""
    from tests.deposits.test_arrivals import _fake, _fake_asset, _trusting

    every = events.transfer_events
    monkeypatch.setattr(events, "transfer_events", lambda every_asset, **more: every(**more))
    asset = _fake_asset(scene, "EURC")
    _trusting(scene, asset)
    _fake(scene, "EURC", scene.address, "7")
    scene.watch()
    assert scene.deposits() == []
    scans.enrol_new_wallets()
    _scan(scene.wallet)
    assert scene.told() == [("SUSPENSE", "wrong_asset", "EURC", "7.00")]


def test_every_wallet_gets_an_appointment_and_the_next_is_an_interval_away(scene: Scene) -> None:
    WalletScan.objects.filter(wallet=scene.wallet).delete()
    assert scans.enrol_new_wallets() >= 1
    assert scans.enrol_new_wallets() == 0
    _scan(scene.wallet)
    one = WalletScan.objects.get(wallet=scene.wallet)
    assert one.scanned_at is not None
    assert timedelta(hours=20) < one.due_at - one.scanned_at < timedelta(hours=28)
    assert scene.wallet.id not in scans.due()


# --- external wallets -------------------------------------------------------------------------
def test_the_life_of_a_wallet_before_its_registration_is_no_deposit(scene: Scene) -> None:
    party = scene.player.person("900")
    users.create_user(
        marketplace_id=scene.world.marketplace.id,
        new=users.NewUser("party", public_key=party.public_key),
        actor=ACTOR,
    )
    wallet = Wallet.objects.get(address=party.public_key)
    # Registered a day after it got its money, and the monitor sees both only now.
    Wallet.objects.filter(pk=wallet.pk).update(created_at=clock.now() + timedelta(days=1))
    scans.enrol_new_wallets()
    WalletScan.objects.filter(wallet=wallet).update(cursor="")
    _scan(wallet)
    scene.watch()
    assert scene.deposits() == []


# --- another network --------------------------------------------------------------------------
def test_a_network_that_was_reset_halts_the_monitor_loudly(another: Start) -> None:
    old = Scene(World(another()))
    old.network.advance("PT2H")
    old.watch()
    before = position_of(old.cursor)
    another()
    monitor.forget()
    with pytest.raises((monitor.Halted, ChainUnavailable)) as halted:
        monitor.poll()
    if halted.type is ChainUnavailable:  # the witness is not there yet: nothing is booked either
        assert position_of(old.cursor) == before
    ChainCursor.objects.update(witness_ledger=0)
    with pytest.raises(monitor.Halted, match="it was reset"):
        monitor.poll()
    assert old.cursor.state == "HALTED"
    assert position_of(old.cursor) == before
    status = monitor.status()
    assert status.level == "red"
    assert "halted" in status.problems[0]
    with pytest.raises(monitor.Halted):
        monitor.poll()


def test_another_history_with_the_same_ledger_numbers_halts_the_monitor(another: Start) -> None:
    old = Scene(World(another()))
    old.network.advance("PT10M")
    old.watch()
    monitor.forget()
    old.watch()  # keeps a witness
    assert old.cursor.witness_ledger > 0
    new = another(seed="another")
    set_clocks_alike(new)
    new.advance("PT1H")
    before = position_of(old.cursor)
    monitor.forget()
    with pytest.raises(monitor.Halted, match="is not the one that was seen before"):
        monitor.poll()
    assert position_of(old.cursor) == before


def test_after_a_resync_the_new_history_is_followed_and_nothing_is_mistaken_for_known(
    another: Start,
) -> None:
    old = Scene(World(another()))
    old.network.mint(old.address, "5")
    old.network.advance("PT2H")
    old.watch()
    assert old.available() == "5.00"
    new = another()
    ChainCursor.objects.update(state="HALTED", problem="reset")
    monitor.resync()
    _only(old.wallet)
    assert (old.cursor.full_name, old.cursor.state) == ("sandbox.2", "FOLLOWING")
    new.followed = True  # by the resync
    again = Scene(World(new))
    again.network.mint(again.address, "7")
    again.watch()
    assert (again.available(), old.available()) == ("7.00", "5.00")
    assert again.deposits()[0].network == "sandbox.2"


def test_a_halted_monitor_does_not_scan_either(scene: Scene) -> None:
    scans.enrol_new_wallets()
    ChainCursor.objects.update(state="HALTED", problem="test")
    try:
        scene.network.mint(scene.address, "5")
        _scan(scene.wallet)
        assert scene.deposits() == []
    finally:
        ChainCursor.objects.update(state="FOLLOWING", problem="")
    scene.watch()
    assert scene.available() == "5.00"
