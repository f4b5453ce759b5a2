"""Whatever happens in whatever order, the books are sound and equal a model of a few lines."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ledger import movements
from ledger.invariants import violations
from offerhub.core.errors import InsufficientFunds
from tests.ledger.conftest import ACTOR, Books, address, fact

amounts = st.integers(1, 1000)


class Marketplace(RuleBasedStateMachine):
    """One buyer, one seller, orders and withdrawals; the model is four numbers and two maps."""

    reserved = Bundle("reserved")
    escrowed = Bundle("escrowed")
    withdrawals = Bundle("withdrawals")

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.available, self.seller = 0, 0
        self.reservations: dict[str, int] = {}
        self.escrows: dict[str, int] = {}
        self.pending: dict[str, int] = {}
        self.spent = self.dust = self.number = 0

    def _next(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}_{self.number}"

    @rule(amount=amounts)
    def deposit(self, amount: int) -> None:
        self.books.deposit(amount)
        self.available += amount

    @rule(target=reserved, amount=amounts)
    def reserve(self, amount: int) -> Any:
        order = self._next("ord")
        if amount > self.available:
            with pytest.raises(InsufficientFunds):
                self.books.reserve(order, amount)
            return multiple()
        self.books.reserve(order, amount)
        self.available -= amount
        self.reservations[order] = amount
        return order

    @rule(order=consumes(reserved))
    def unreserve(self, order: str) -> None:
        amount = self.reservations.pop(order)
        self.books.unreserve(order, amount)
        assert self.books.unreserve(order, amount).replayed
        self.available += amount

    @rule(target=escrowed, order=consumes(reserved))
    def fund(self, order: str) -> str:
        amount = self.escrows[order] = self.reservations.pop(order)
        self.books.fund(order, amount)
        self.spent += 100
        return order

    @rule(amount=st.integers(1, 3))
    def stranger_sends_dust(self, amount: int) -> None:
        self.books.dust(amount)
        self.dust += amount

    @rule(target=escrowed, order=consumes(escrowed), part=st.integers(1, 100), data=st.data())
    def settle_in_part(self, order: str, part: int, data: st.DataObject) -> Any:
        held = self.escrows[order]
        gross = max(1, held * part // 100)
        protocol = data.draw(st.integers(0, gross // 10))
        platform = data.draw(st.integers(0, (gross - protocol) // 2))
        buyer = data.draw(st.integers(0, gross - protocol - platform))
        surplus = min(self.dust, data.draw(st.integers(0, 2)))
        self.books.settle(
            order,
            gross=gross + surplus,
            seller=gross - protocol - platform - buyer,
            buyer=buyer + surplus,
            platform=platform,
            protocol=protocol,
            surplus=surplus,
            kind="split",
            milestone=self._next("m"),
        )
        self.escrows[order] -= gross
        self.available += buyer + surplus
        self.seller += gross - protocol - platform - buyer
        self.dust -= surplus
        self.spent += 100
        return order if self.escrows[order] else multiple()

    @rule(target=withdrawals, amount=amounts)
    def ask_for_money(self, amount: int) -> Any:
        withdrawal = self._next("wdr")
        if amount > self.available:
            with pytest.raises(InsufficientFunds):
                self._withdrawal("requested", withdrawal, amount)
            return multiple()
        self._withdrawal("requested", withdrawal, amount)
        self.available -= amount
        self.pending[withdrawal] = amount
        return withdrawal

    @rule(withdrawal=consumes(withdrawals), paid=st.booleans())
    def end_withdrawal(self, withdrawal: str, paid: bool) -> None:
        amount = self.pending.pop(withdrawal)
        if paid:
            chain = {"address": address(self.books.buyer), "fact": fact(), "operation_id": "op"}
            self._withdrawal("confirmed", withdrawal, amount, fee_address="GFEE", **chain)
            self.spent += 100
        else:
            self._withdrawal("returned", withdrawal, amount)
            self.available += amount

    def _withdrawal(self, step: str, withdrawal: str, amount: int, **more: Any) -> None:
        with transaction.atomic():
            getattr(movements, f"withdrawal_{step}")(
                marketplace_id=self.books.id,
                user_id=self.books.buyer.id,
                withdrawal_id=withdrawal,
                amount=amount,
                asset="USDC",
                actor=ACTOR,
                **more,
            )

    @invariant()
    def balances_equal_the_model(self) -> None:
        balance = self.books.balance()
        assert (balance.available, balance.reserved) == (
            self.available,
            sum(self.reservations.values()),
        )
        assert (balance.in_escrow, balance.pending_withdrawal) == (
            sum(self.escrows.values()),
            sum(self.pending.values()),
        )

    def teardown(self) -> None:
        assert [str(violation) for violation in violations(self.books.id)] == []
        assert self.books.balance(self.books.seller).available == self.seller
        assert self.books.held("suspense") == self.dust
        assert self.books.held("expense:network_fee", asset="XLM") == self.spent
        contract = sum(self.escrows.values()) + self.dust
        assert self.books.held("contract", "CONTRACT") == contract


def test_any_sequence_of_movements_keeps_the_books_sound(committed: None) -> None:
    run_state_machine_as_test(
        Marketplace,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Books]]:
    """One marketplace for all examples of a property."""
    from django.db import connections

    with django_db_blocker.unblock():
        yield [Books()]
        connections.close_all()


@settings(max_examples=40, deadline=None, database=None)
@given(
    parts=st.lists(st.integers(1, 10**15), min_size=1, max_size=10),
    basis_points=st.integers(0, 9_900),
    protocol_points=st.integers(0, 100),
)
def test_milestones_with_fees_account_for_every_stroop(
    shared: list[Books], parts: list[int], basis_points: int, protocol_points: int
) -> None:
    """What the parties got, what was earned and what the provider took is what was paid in."""
    books = shared[0]
    order, total = f"ord_{fact().hash[:20]}", sum(parts)
    books.deposit(total)
    books.reserve(order, total)
    books.fund(order, total)
    before = books.balance(books.seller).available, books.held("revenue:platform_fee")
    earned = taken = 0
    for number, part in enumerate(parts):
        platform, protocol = part * basis_points // 10_000, part * protocol_points // 10_000
        seller = part - platform - protocol
        books.settle(
            order,
            gross=part,
            seller=seller,
            platform=platform,
            protocol=protocol,
            milestone=str(number),
        )
        earned, taken = earned + platform, taken + protocol
    got = books.balance(books.seller).available - before[0]
    assert got + earned + taken == total
    assert books.held("revenue:platform_fee") - before[1] == earned
    assert books.held("escrow", order) == books.held("contract", "CONTRACT") == 0
