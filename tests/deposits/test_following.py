"""The cursor: nothing is missed and nothing is booked twice, whatever the network does."""

import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from offerhub.chain import events
from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock
from offerhub.deposits import monitor, services
from offerhub.deposits.services import position_of
from tests.deposits.scene import Bend, Scene, bent
from tests.statements import Statements


def _events(change: Any) -> Bend:
    """Bend the answers of getEvents."""

    def bend(method: str, result: dict[str, Any]) -> dict[str, Any] | None:
        return change(result) if method == "getEvents" else None

    return bend


@pytest.mark.parametrize("times", [2, 50])
def test_an_event_that_is_delivered_many_times_is_credited_once(scene: Scene, times: int) -> None:
    def repeat(result: dict[str, Any]) -> dict[str, Any]:
        return result | {"events": [event for event in result["events"] for _ in range(times)]}

    scene.network.mint(scene.address, "5")
    with bent(scene.network.url, _events(repeat)):
        scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("5.00", 1)


def test_a_page_that_is_read_again_is_known(scene: Scene) -> None:
    before = scene.cursor
    sender = scene.player.person("9")
    scene.pay(sender, (scene.address, "4"), (scene.address, "5"))
    assert scene.watch().credited == 2
    after = position_of(scene.cursor)
    page = events.transfer_events(cursor=before.cursor, every_asset=True)
    for _ in range(50):
        booked = services.record_page(position_of(scene.cursor), page)
        assert booked is not None
        assert (booked.credited, booked.known) == (0, 2)
    assert position_of(scene.cursor).ledger == after.ledger
    assert (scene.available(), len(scene.entries()), len(scene.events())) == ("9.00", 2, 2)


def test_a_page_read_from_an_old_position_is_refused(scene: Scene) -> None:
    """Another monitor was faster: the page is not booked, and the cursor does not go back."""
    old = position_of(scene.cursor)
    scene.network.mint(scene.address, "5")
    page = events.transfer_events(cursor=old.cursor, every_asset=True)
    scene.watch()
    there = position_of(scene.cursor)
    assert services.record_page(old, page) is None
    assert position_of(scene.cursor) == there


def test_two_monitors_at_once_credit_everything_once(scene: Scene) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(3)

    def follow() -> None:
        try:
            start.wait()
            for _ in range(20):
                monitor.poll()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for _ in range(10):
        scene.network.mint(scene.address, "1")
    for thread in threads:
        thread.join()
    scene.watch()
    assert failures == []
    assert (scene.available(), len(scene.deposits()), len(scene.entries())) == ("10.00", 10, 10)


def test_a_forged_contract_that_emits_transfers_is_ignored(scene: Scene) -> None:
    """The topic says USDC of the right issuer; the contract is not that asset's."""
    forger = scene.contract()

    def forge(result: dict[str, Any]) -> dict[str, Any]:
        return result | {"events": [e | {"contractId": forger} for e in result["events"]]}

    scene.network.mint(scene.address, "500")
    with bent(scene.network.url, _events(forge)):
        scene.watch()
    assert (scene.deposits(), scene.available()) == ([], "0.00")


MALFORMED = {
    "no topics": {"topic": []},
    "topics that are no XDR": {"topic": ["AAAA", "????", "", "x"]},
    "a value that is no amount": {"value": "AAAAAQ=="},
    "an empty map for a value": {"value": "AAAAEQAAAAEAAAAA"},
    "a megabyte of nothing": {"value": "A" * 1_000_000},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_event_that_can_not_be_read_is_set_aside_and_holds_up_nobody(
    scene: Scene, name: str
) -> None:
    def spoil(result: dict[str, Any]) -> dict[str, Any]:
        first = next(e for e in result["events"] if e["txHash"] == spoilt)
        first |= MALFORMED[name]
        return result

    spoilt = scene.network.mint(scene.address, "1")
    scene.network.mint(scene.address, "2")
    before = scene.cursor.ledger
    with bent(scene.network.url, _events(spoil)):
        booked = scene.watch()
    assert (booked.credited, booked.quarantined) == (1, 1)
    assert scene.available() == "2.00"
    assert scene.cursor.ledger > before
    (aside,) = [q for q in scene.quarantined() if q.tx_hash == spoilt]
    assert aside.problem
    assert len(aside.raw) <= 4000
    assert "could not be read or booked" in " ".join(monitor.status().problems)
    assert monitor.status().level == "amber"


@pytest.mark.parametrize("answer", ["504-before", "429", "503", "drop", "drop-after", "504-after"])
def test_a_server_that_fails_costs_only_time(scene: Scene, answer: str) -> None:
    before = position_of(scene.cursor)
    scene.network.mint(scene.address, "5")
    scene.network.fault(answer, "/rpc", times=2)
    for _ in range(2):
        with pytest.raises(ChainUnavailable):
            scene.watch()
        assert position_of(scene.cursor) == before
    scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("5.00", 1)


def test_a_server_that_fails_after_the_first_page_loses_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "PAGE", 3)
    calls: list[str] = []

    def fail_later(result: dict[str, Any]) -> dict[str, Any]:
        calls.append("")
        if len(calls) == 2:
            raise ConnectionResetError
        return result

    for _ in range(6):
        scene.network.mint(scene.address, "1")
    with bent(scene.network.url, _events(fail_later)), pytest.raises(ChainUnavailable):
        scene.watch()
    assert 0 < len(scene.deposits()) < 6
    scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("6.00", 6)


def test_a_server_that_lags_shows_the_deposit_later_and_once(scene: Scene) -> None:
    scene.network.fault("lag", "/rpc", times=1000)
    scene.network.mint(scene.address, "5")
    scene.network.advance("PT1M")
    scene.watch()
    assert scene.available() == "0.00"
    scene.network.heal()
    scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("5.00", 1)


def test_a_server_some_ledgers_behind_is_waited_for(scene: Scene) -> None:
    """Requests may be answered by servers of different height: that is no reset."""
    scene.network.advance("PT1M")
    scene.watch()
    before = position_of(scene.cursor)
    scene.network.fault("lag", "/rpc", times=1000, ledgers=10)
    with pytest.raises(ChainUnavailable, match="ledgers behind"):
        scene.watch()
    scene.network.heal()
    scene.watch()
    assert scene.cursor.state == "FOLLOWING"
    assert scene.cursor.ledger >= before.ledger


def test_an_operation_that_a_full_page_would_cut_is_read_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "PAGE", 7)
    sender = scene.player.person("100")
    for _ in range(4):
        scene.pay(sender, *[(scene.address, "1")] * 5)
    scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("20.00", 20)


def test_a_day_without_events_is_passed_in_one_poll(scene: Scene) -> None:
    """One request looks at a limited number of ledgers, and a day has more."""
    scene.network.advance("P1D")
    scene.network.mint(scene.address, "5")
    scene.watch()
    assert scene.available() == "5.00"
    assert scene.cursor.ledger == scene.cursor.latest_ledger


def test_the_products_clock_follows_the_sandbox(scene: Scene) -> None:
    before = clock.offset()
    scene.network.advance("P7D")
    scene.watch()
    assert (clock.offset() - before).total_seconds() == pytest.approx(7 * 86400, abs=60)


# --- what it costs ----------------------------------------------------------------------------
def _statements(scene: Scene, payments: int) -> list[str]:
    """What one page with so many deposits of Ann executes, its connection being warm."""
    position = position_of(scene.cursor)
    sender = scene.player.person("1000")
    scene.pay(sender, *[(scene.address, "1")] * payments)
    page = events.transfer_events(cursor=position.cursor, every_asset=True)
    with Statements(connection) as captured:
        booked = services.record_page(position, page)
    assert booked is not None
    assert booked.credited == payments
    return [q["sql"] for q in captured]


def test_a_page_takes_six_statements_and_one_for_each_new_deposit(scene: Scene) -> None:
    """Cursor, wallets, rows, events, begin and commit; and the entries in the books."""
    for payments in (1, 10, 50):
        assert len(_statements(scene, payments)) == 6 + payments


def test_a_page_without_anything_for_us_takes_four_statements(scene: Scene) -> None:
    position = position_of(scene.cursor)
    a, b = scene.player.person("100"), scene.player.person()
    for _ in range(5):
        scene.pay(a, *[(b.public_key, "1")] * 10)
    page = events.transfer_events(cursor=position.cursor, every_asset=True)
    assert len(page.seen) >= 50
    with Statements(connection) as captured:
        services.record_page(position, page)
    assert len(captured) == 4  # begin, cursor, wallets, commit


def test_a_page_with_contracts_takes_two_statements_more(scene: Scene) -> None:
    position = position_of(scene.cursor)
    for _ in range(5):
        scene.network.mint(scene.contract(), "1")
    page = events.transfer_events(cursor=position.cursor, every_asset=True)
    with Statements(connection) as captured:
        services.record_page(position, page)
    assert len(captured) == 5  # begin, cursor, live deployments, accounts, commit


def test_an_empty_page_takes_one_statement(scene: Scene) -> None:
    position = position_of(scene.cursor)
    page = events.transfer_events(cursor=position.cursor, every_asset=True)
    with Statements(connection) as captured:
        assert services.record_page(position, page) is not None
    assert len(captured) == 1


def test_the_requests_of_a_poll_do_not_grow_with_the_wallets(scene: Scene) -> None:
    def requests_of_a_poll() -> int:
        count: list[str] = []
        with bent(scene.network.url, lambda method, _: count.append(method)):
            scene.watch()
        return len(count)

    few = requests_of_a_poll()
    for number in range(10):
        scene.world.user(f"user-{number}")
    scene.watch()
    assert requests_of_a_poll() == few == 1


def test_no_transaction_is_open_while_the_network_is_asked(scene: Scene) -> None:
    from django.db import transaction

    from offerhub.core.db import TransactionOpen

    with transaction.atomic(), pytest.raises(TransactionOpen):
        monitor.poll()


# --- health -----------------------------------------------------------------------------------
def test_health_is_green_while_it_follows_and_red_when_it_does_not(scene: Scene) -> None:
    from datetime import timedelta

    from django.db.models.functions import Now

    from offerhub.deposits.models import ChainCursor, QuarantinedEvent

    QuarantinedEvent.objects.update(resolved_at=Now())
    ChainCursor.objects.update(gap_since=None)
    scene.watch()
    status = monitor.status()
    assert (status.level, status.problems, status.behind) == ("green", [], 0)
    lag = monitor.lag()
    assert lag is not None
    assert lag < 5
    ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).update(
        updated_at=Now() - timedelta(minutes=5)
    )
    status = monitor.status()
    assert (status.level, status.problems) == ("red", ["The chain was last read 300 seconds ago"])
