"""What the database itself keeps, and how often it is asked."""

import re
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from offerhub.chain import stellar
from offerhub.core import jobs
from offerhub.core.fsm import edges_of
from offerhub.core.money import UNIT
from orders import services as orders
from payouts import destinations, outcomes, services
from payouts.bodies import withdrawal_body
from payouts.memos import Memo
from payouts.models import Withdrawal, WithdrawalAttempt
from payouts.states import WITHDRAWAL_EDGES, WithdrawalStatus
from tests.network import ROOT
from tests.payouts.scene import HELD, UNTOUCHED, Scene
from tests.statements import Statements

EDGES = {(str(a), str(b)) for a, targets in WITHDRAWAL_EDGES.items() for b in targets}


def sql(statement: str, *values: Any) -> None:
    """Straight SQL, as somebody with psql would write it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def statements(captured: Statements) -> list[str]:
    """What was asked, but for the frame of the transaction."""
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(frame)]


# --- states -----------------------------------------------------------------------------------
def test_the_transitions_in_code_are_the_edges_that_the_database_allows() -> None:
    assert edges_of(Withdrawal, "status") == EDGES


def test_the_drawn_states_are_the_states() -> None:
    text = (ROOT / "payouts/README.md").read_text()
    drawing = re.search(r"## States of a withdrawal\n+```mermaid\n(.*?)```", text, re.S)
    assert drawing is not None
    assert set(re.findall(r"(\w+) --> (\w+)", drawing.group(1))) == EDGES


def test_every_edge_that_is_not_drawn_is_refused_whoever_writes(scene: Scene) -> None:
    """All 25 pairs by straight SQL, each from a row that is in the state."""
    # SUBMITTED last: it holds the lane of the account.
    states = sorted((str(state) for state in WithdrawalStatus), key="SUBMITTED".__eq__)
    rows = {state: scene.in_state(state) for state in states}
    for before in states:
        for after in states:
            update = "UPDATE payouts_withdrawal SET status = %s, hash = 'x' WHERE id = %s"
            if before == after or (before, after) in EDGES:
                with transaction.atomic():
                    sql(update, after, rows[before])
                    transaction.set_rollback(True)
            else:
                with pytest.raises(DatabaseError, match="Invalid transition"):
                    sql(update, after, rows[before])


# --- what was asked for -----------------------------------------------------------------------
CHANGES = [
    ("amount", 1),
    ("destination", "GBADBADBADBADBADBADBADBADBADBADBADBADBADBADBADBADBADBAD7"),
    ("memo", "9"),
    ("memo_type", "id"),
    ("user_id", "usr_0"),
    ("marketplace_id", "mkt_0"),
]


def test_nobody_redirects_a_withdrawal_that_waits(scene: Scene) -> None:
    withdrawal = scene.ask(memo=Memo("text", "invoice 7"))
    for column, value in CHANGES:
        with pytest.raises(DatabaseError):
            sql(f"UPDATE payouts_withdrawal SET {column} = %s WHERE id = %s", value, withdrawal)
    scene.run(withdrawal)
    assert scene.row(withdrawal).status == "COMPLETED"
    assert scene.payments() == 1


def test_a_withdrawal_is_never_paid_by_two_operations(scene: Scene) -> None:
    withdrawal = scene.ask()
    first = scene.attempt(withdrawal)
    with pytest.raises(DatabaseError, match="withdrawal_one_live_attempt"), transaction.atomic():
        WithdrawalAttempt.objects.create(
            marketplace_id=first.marketplace_id,
            withdrawal_id=withdrawal,
            source_wallet=scene.wallet,
            kind="PAYMENT",
        )


def test_completed_without_a_transaction_is_refused(scene: Scene) -> None:
    withdrawal = scene.in_state("SUBMITTED")
    with pytest.raises(DatabaseError, match="withdrawal_completed_by_a_transaction"):
        sql("UPDATE payouts_withdrawal SET status = 'COMPLETED' WHERE id = %s", withdrawal)


# --- the books --------------------------------------------------------------------------------
def test_no_absolute_balance_writes(scene: Scene) -> None:
    """What happens between the request and the failure (a deposit, a reservation, another
    withdrawal) is still there when the money comes back."""
    scene.world.user("bob")
    failing = scene.ask("25")
    scene.network.mint(scene.wallet.address, "10")
    scene.world.watch()
    order = orders.create_order(
        marketplace_id=scene.world.marketplace.id,
        new=orders.NewOrder(buyer="ann", seller="bob", amount=30 * UNIT, title="Vase"),
        actor=scene.world.actor,
    )
    orders.reserve(marketplace_id=order.marketplace_id, order_id=order.id, actor=scene.world.actor)
    other = scene.ask("5", destination=scene.outsider().public_key)
    scene.drop_trustline()
    scene.run(failing)
    scene.run(other)
    assert (scene.row(failing).status, scene.row(other).status) == ("FAILED", "COMPLETED")
    balance = scene.world.balance(scene.ann)
    assert (balance["available"], balance["reserved"], balance["pendingWithdrawal"]) == (
        "75.00",
        "30.00",
        "0.00",
    )
    assert scene.books_are_right()


def test_a_refused_request_leaves_nothing_behind(scene: Scene) -> None:
    before = Withdrawal.objects.count(), WithdrawalAttempt.objects.count()
    assert scene.api.request("POST", "/withdrawals", scene.body(amount="101")).status_code == 422
    assert (Withdrawal.objects.count(), WithdrawalAttempt.objects.count()) == before
    assert scene.money() == UNTOUCHED


def test_the_same_confirmation_twice_books_once(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.run(withdrawal)
    money, attempt = scene.money(), scene.attempt(withdrawal)
    fact = stellar.look_up(attempt.hash).fact
    assert fact is not None
    outcomes.confirm(attempt.id, fact)
    outcomes.fail(attempt.id, "op_no_trust", "too late", None)
    assert scene.money() == money
    assert scene.row(withdrawal).status == "COMPLETED"


# --- how often it is asked --------------------------------------------------------------------
def test_the_check_asks_twice_and_the_request_is_five_statements(scene: Scene) -> None:
    with Statements(connection) as asked:
        checked = destinations.check(
            marketplace_id=scene.world.marketplace.id,
            user_reference="ann",
            destination=scene.destination,
            memo=Memo(),
            amount=25 * UNIT,
        )
    assert len(statements(asked)) == 2
    with Statements(connection) as asked:
        services.request_withdrawal(checked=checked, actor=scene.world.actor)
    verbs = [s.split()[0] for s in statements(asked)]
    # withdrawal, ledger, attempt, event; then the bell
    assert verbs == ["INSERT", "SELECT", "INSERT", "INSERT", "SELECT"]
    assert scene.money() == HELD


def test_the_confirmation_is_five_statements(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-after", {"path": "/transactions", "method": "POST"})
    scene.fault("503", {"path": "*/transactions/*/operations", "method": "GET"})
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    fact = stellar.look_up(attempt.hash).fact
    assert fact is not None
    with Statements(connection) as asked:
        outcomes.confirm(attempt.id, fact)
    # lock; ledger; operation and lane; event; withdrawal
    verbs = [s.split()[0] for s in statements(asked)]
    assert verbs == ["SELECT", "SELECT", "WITH", "INSERT", "UPDATE"]


def test_a_whole_payment_is_at_most_twelve_statements(scene: Scene) -> None:
    withdrawal = scene.ask()
    attempt = scene.attempt(withdrawal).id
    with Statements(connection) as asked:
        jobs.run("payouts.attempt", attempt)
    verbs = [s.split()[0] for s in statements(asked)]
    reads = verbs[1 : verbs.index("UPDATE")]  # the withdrawal; the wallet, when it did not come
    keep = ["UPDATE", "SELECT", "INSERT", "UPDATE"]  # the envelope, and SUBMITTED with its event
    confirm = ["SELECT", "SELECT", "WITH", "INSERT", "UPDATE"]
    assert verbs == ["WITH", *reads, *keep, *confirm]  # first the claim
    assert reads in (["SELECT"], ["SELECT", "SELECT"])
    assert scene.row(withdrawal).status == "COMPLETED"


def test_a_page_costs_the_same_for_one_and_for_many(scene: Scene) -> None:
    def count() -> int:
        rows = Withdrawal.objects.of(scene.world.marketplace.id).for_display()
        with Statements(connection) as asked:
            assert [withdrawal_body(row) for row in rows]
        return len(statements(asked))

    scene.ask("1")
    one = count()
    for _ in range(4):
        scene.ask("1")
    assert count() == one == 2
