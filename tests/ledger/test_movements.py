"""Every movement, told like an exercise in bookkeeping: what stands on which side."""

import uuid

import pytest
from django.db import transaction

from ledger import movements
from ledger.errors import SourceReused, Unbalanced
from ledger.models import Entry
from ledger.services import Posted
from offerhub.core.errors import InsufficientFunds
from tests.ledger.conftest import ACTOR, FEE, Books, fact

NETWORK_FEE = {("expense:network_fee", "", FEE), ("xlm", "GFEE", -FEE)}


def test_a_deposit_is_held_in_the_wallet_and_owed_to_the_user(books: Books) -> None:
    posted = books.deposit(100)
    assert books.lines(posted) == {("wallet", "GBUYER", 100), ("available", books.buyer.id, -100)}


def test_money_for_nobody_waits_in_suspense(books: Books) -> None:
    assert books.lines(books.dust(3)) == {("contract", "CONTRACT", 3), ("suspense", "", -3)}
    books.assert_sound()


@pytest.mark.parametrize(
    ("asset", "holder", "account"),
    [
        ("USDC:GFORGER", "wallet", ("wallet", "G1")),
        ("USDC", "platform", ("platform", "G1")),
        ("XLM", "wallet", ("xlm", "G1")),
        ("XLM", "platform", ("xlm", "G1")),
        ("XLM", "contract", ("contract", "G1")),
    ],
)
def test_suspense_knows_who_holds_it(
    books: Books, asset: str, holder: movements.Holder, account: tuple[str, str]
) -> None:
    with transaction.atomic():
        posted = movements.deposit_to_suspense(
            marketplace_id=books.id,
            address="G1",
            asset=asset,
            amount=9,
            source="s",
            fact=fact(),
            actor=ACTOR,
            reason="wrong asset",
            holder=holder,
        )
    assert books.lines(posted) == {(*account, 9), ("suspense", "", -9)}
    books.assert_sound()


def test_reserving_moves_a_debt_and_nothing_else(books: Books) -> None:
    books.deposit(100)
    posted = books.reserve("ord_1", 60)
    assert books.lines(posted) == {
        ("available", books.buyer.id, 60),
        ("reserved", "ord_1", -60),
    }
    balance = books.balance()
    assert (balance.available, balance.reserved, balance.total) == (40, 60, 100)


def test_cancelling_gives_the_reservation_back(books: Books) -> None:
    books.deposit(100)
    books.reserve("ord_1", 60)
    books.unreserve("ord_1", 60)
    assert books.balance().available == 100
    books.assert_sound()


def test_an_order_cannot_spend_another_orders_reservation(books: Books) -> None:
    books.deposit(100)
    books.reserve("ord_1", 60)
    books.reserve("ord_2", 40)
    with pytest.raises(InsufficientFunds):
        books.fund("ord_2", 41)


def test_funding_moves_the_money_and_the_debt_in_one_entry_with_its_fee(books: Books) -> None:
    books.deposit(100)
    books.reserve("ord_1", 60)
    posted = books.fund("ord_1", 60)
    assert books.lines(posted) == {
        ("reserved", "ord_1", 60),
        ("escrow", "ord_1", -60),
        ("contract", "CONTRACT", 60),
        ("wallet", "GBUYER", -60),
        *NETWORK_FEE,
    }
    assert books.balance().in_escrow == 60
    books.assert_sound()


@pytest.fixture
def funded(books: Books) -> Books:
    """An order of 1,000 in escrow, nothing left beside it."""
    books.deposit(1000)
    books.reserve("ord_1", 1000)
    books.fund("ord_1", 1000)
    return books


def test_a_release_pays_what_the_chain_paid(funded: Books) -> None:
    posted = funded.settle("ord_1", gross=1000, seller=947, platform=50, protocol=3)
    assert funded.lines(posted) == {
        ("escrow", "ord_1", 1000),
        ("contract", "CONTRACT", -1000),
        ("wallet", "GSELLER", 947),
        ("available", funded.seller.id, -947),
        ("platform", "GPLATFORM", 50),
        ("revenue:platform_fee", "", -50),
        *NETWORK_FEE,
    }
    assert funded.balance(funded.seller).available == 947
    assert funded.balance().total == 0
    funded.assert_sound()


def test_a_refund_credits_the_buyer_net_of_what_the_contract_took(funded: Books) -> None:
    funded.settle("ord_1", gross=1000, buyer=947, platform=50, protocol=3, kind="refund")
    assert funded.balance().available == 947
    assert funded.held("revenue:platform_fee") == 50
    assert funded.held("contract", "CONTRACT") == 0
    funded.assert_sound()


def test_a_split_is_one_entry(funded: Books) -> None:
    posted = funded.settle("ord_1", gross=1000, seller=600, buyer=397, protocol=3, kind="split")
    assert funded.balance(funded.seller).available == 600
    assert funded.balance().available == 397
    assert Entry.objects.get(pk=posted.entry_id).kind == "split"
    funded.assert_sound()


def test_milestones_leave_escrow_one_by_one(funded: Books) -> None:
    funded.settle("ord_1", gross=400, seller=400, milestone="m1")
    assert funded.balance().in_escrow == 600
    funded.settle("ord_1", gross=600, seller=600, milestone="m2")
    assert funded.balance().in_escrow == 0
    with pytest.raises(InsufficientFunds):
        funded.settle("ord_1", gross=1, seller=1, milestone="m3")


def test_dust_in_the_contract_leaves_with_the_settlement(funded: Books) -> None:
    funded.dust(1)
    posted = funded.settle("ord_1", gross=1001, seller=1001, surplus=1)
    assert ("suspense", "", 1) in funded.lines(posted)
    assert (funded.held("suspense"), funded.held("contract", "CONTRACT")) == (0, 0)
    funded.assert_sound()


def test_what_the_contracts_rounding_left_behind_is_in_suspense(funded: Books) -> None:
    funded.settle("ord_1", gross=998, seller=998, surplus=-2)
    assert funded.balance().in_escrow == 0
    assert (funded.held("suspense"), funded.held("contract", "CONTRACT")) == (2, 2)
    funded.assert_sound()


@pytest.mark.parametrize(
    "amounts",
    [
        {"gross": 1000, "seller": 999},
        {"gross": 1000, "seller": 1001},
        {"gross": 1000, "seller": 1003, "protocol": -3},
        {"gross": 1000, "seller": 1100, "platform": -100},
    ],
)
def test_a_settlement_that_does_not_add_up_is_refused(
    funded: Books, amounts: dict[str, int]
) -> None:
    with pytest.raises(Unbalanced):
        funded.settle("ord_1", **amounts)  # type: ignore[arg-type]
    assert funded.balance().in_escrow == 1000


def test_a_settlement_is_booked_once(funded: Books) -> None:
    funded.settle("ord_1", gross=400, seller=400)
    with pytest.raises(SourceReused):
        funded.settle("ord_1", gross=400, seller=400)  # another transaction on chain


def withdraw(books: Books, step: str, amount: int = 30, **more: object) -> None:
    """One step of the buyer's withdrawal."""
    with transaction.atomic():
        getattr(movements, f"withdrawal_{step}")(
            marketplace_id=books.id,
            user_id=books.buyer.id,
            withdrawal_id="wdr_1",
            amount=amount,
            asset="USDC",
            actor=ACTOR,
            **more,
        )


def test_a_withdrawal_is_held_until_the_chain_paid_it(books: Books) -> None:
    books.deposit(100)
    withdraw(books, "requested")
    assert (books.balance().available, books.balance().pending_withdrawal) == (70, 30)
    assert books.held("wallet", "GBUYER") == 100
    withdraw(books, "confirmed", address="GBUYER", fact=fact(), operation_id="op", fee_address="")
    assert (books.balance().total, books.held("wallet", "GBUYER")) == (70, 70)
    assert books.held("expense:network_fee", asset="XLM") == 0
    books.assert_sound()


def test_a_withdrawal_that_did_not_happen_is_given_back(books: Books) -> None:
    books.deposit(100)
    withdraw(books, "requested")
    withdraw(books, "returned")
    assert (books.balance().available, books.balance().pending_withdrawal) == (100, 0)
    books.assert_sound()


def test_a_withdrawal_cannot_be_paid_and_given_back(books: Books) -> None:
    books.deposit(100)
    withdraw(books, "requested")
    withdraw(books, "returned")
    with pytest.raises(InsufficientFunds):
        withdraw(
            books, "confirmed", address="GBUYER", fact=fact(), operation_id="op", fee_address="G"
        )


def test_the_charge_of_a_transaction_is_booked_once_and_zero_not_at_all(books: Books) -> None:
    charged = fact(250)
    for _ in range(2):
        with transaction.atomic():
            movements.network_fee(
                marketplace_id=books.id,
                operation_id="op",
                fee_address="GFEE",
                fact=charged,
                actor=ACTOR,
            )
    assert books.held("expense:network_fee", asset="XLM") == 250
    for address, free in (("GFEE", fact(0)), ("", fact(250))):
        with transaction.atomic():
            posted = movements.network_fee(
                marketplace_id=books.id,
                operation_id="op",
                fee_address=address,
                fact=free,
                actor=ACTOR,
            )
        assert posted is None
    assert Entry.objects.filter(marketplace=books.id).count() == 1


def test_capital_comes_in_as_fee_money(books: Books) -> None:
    with transaction.atomic():
        posted = movements.capital_in(
            marketplace_id=books.id, address="G1", amount=500, source="c", actor=ACTOR
        )
    assert books.lines(posted) == {("xlm", "G1", 500), ("owner:capital", "", -500)}
    books.assert_sound()


def move_fee_money(books: Books, amount: int, fee: int) -> Posted | None:
    """XLM from the fee wallet to another of our own."""
    with transaction.atomic():
        return movements.fee_money_moved(
            marketplace_id=books.id,
            from_address="GFEE",
            to_address="G2",
            amount=amount,
            source=f"sponsor:{uuid.uuid4().hex}",
            fact=fact(fee),
            operation_id="op",
            fee_address="GFEE",
            actor=ACTOR,
        )


def test_fee_money_that_pays_its_own_fee_is_one_line(books: Books) -> None:
    posted = move_fee_money(books, 30, 7)
    assert posted is not None
    assert books.lines(posted) == {
        ("xlm", "G2", 30),
        ("xlm", "GFEE", -37),
        ("expense:network_fee", "", 7),
    }
    assert move_fee_money(books, 0, 0) is None
    assert move_fee_money(books, 0, 7) is not None
    books.assert_sound()


def reverse(entry_id: str) -> Posted:
    """Negate an entry."""
    with transaction.atomic():
        return movements.reversal(entry_id=entry_id, actor=ACTOR, reason="booked twice")


def test_a_reversal_negates_every_line_and_names_the_entry(books: Books) -> None:
    posted = books.deposit(100)
    reversal = reverse(posted.entry_id)
    assert books.lines(reversal) == {
        ("wallet", "GBUYER", -100),
        ("available", books.buyer.id, 100),
    }
    entry = Entry.objects.get(pk=reversal.entry_id)
    assert (entry.reverses_id, entry.description) == (posted.entry_id, "booked twice")
    assert reverse(posted.entry_id).replayed
    books.assert_sound()


def test_the_reversal_of_suspense_is_sound_and_can_be_reversed(books: Books) -> None:
    books.assert_sound()
    reversal = reverse(books.dust(9).entry_id)
    assert books.held("suspense") == 0
    reverse(reversal.entry_id)
    assert books.held("suspense") == 9
    books.assert_sound()


def test_money_that_is_gone_cannot_be_reversed(books: Books) -> None:
    posted = books.deposit(100)
    books.reserve("ord_1", 60)
    with pytest.raises(InsufficientFunds):
        reverse(posted.entry_id)
    with pytest.raises(Entry.DoesNotExist):
        reverse("ent_unknown")
