"""What must hold: in the books at every instant, and of everybody's money when all is quiet."""

from django.db import connection

from ledger.invariants import violations
from offerhub.chain.submission import LIVE, MAX_ENVELOPES, Status
from offerhub.chain.tables import concrete_tables
from tests.simulation import asides, crowd, desk, many, recurring, strangers
from tests.simulation.asking import stroops
from tests.simulation.stage import USERS, Stage

# Why an operation may end without having happened; anything else is a wrong call of ours.
MAY_FAIL = (
    *("cancelled", "contract_balance_moved", "nothing_to_sweep"),
    *("withdrawn", "not_signed"),  # by a party that signs for itself
    *("op_does_not_exist", "op_cannot_claim"),  # taken back by who set it aside, or too late
)


def books(stage: Stage) -> None:
    """The books' own invariants (I1, I2, I8), whatever is on its way."""
    for violation in violations():
        stage.wrong(str(violation))


def everything(stage: Stage) -> None:
    """Books = model = chain, everything has ended, and nobody was paid what was not agreed."""
    books(stage)
    _operations(stage)
    _owners(stage)
    stage.look()
    _answers(stage)
    for campaign in stage.model.campaigns.values():
        crowd.ended(stage, campaign)
    stage.model.compare_asides()
    asides.listed(stage)
    for problem in stage.model.problems:
        stage.wrong(problem)
    _balances(stage)
    _contracts(stage)
    _sequences(stage)
    strangers.untouched(stage)
    strangers.no_secret_is_kept(stage)


def _owners(stage: Stage) -> None:
    """What made orders and withdrawals, and what people agreed to, as it is shown at last."""
    for subscription in list(stage.model.subscriptions):
        recurring.read(stage, subscription)
    for campaign in stage.model.campaigns.values():
        crowd.read(stage, campaign)
    for batch in stage.batches:
        many.read(stage, batch, final=True)
    for proposal in stage.proposals.values():
        desk.look_at(stage, proposal)


def _operations(stage: Stage) -> None:
    """I9: every operation has ended, and every source account is free."""
    for table in concrete_tables():
        live = table._base_manager.filter(status__in=LIVE)
        for row in live.exclude(status=Status.AWAITING_SIGNATURE):  # that is a person's
            stage.wrong(f"still live: {row} {row.problem}")
        for row in table._base_manager.filter(status="FAILED"):
            code = (row.problem or {}).get("code", "")
            stage.tell(f"{row} {code}")
            expired = row.attempts == MAX_ENVELOPES and code != "tx_too_late"
            if code not in MAY_FAIL and not expired:
                stage.wrong(f"{row}: {row.problem}")


def _answers(stage: Stage) -> None:
    """What the API says at last of every order and withdrawal."""
    for withdrawal in list(stage.model.withdrawals):
        _, shown = stage.call("GET", f"/withdrawals/{withdrawal}")
        stage.tell(f"{withdrawal} {shown['status']}")
        stage.model.ended(withdrawal, shown["status"])
    stage.model.compare_payments()
    for order in list(stage.model.orders):
        _, shown = stage.call("GET", f"/orders/{order}")
        parts = {part["id"]: part["status"] for part in shown["milestones"]}
        stage.tell(f"{order} {shown['status']} {parts}")
        stage.model.stands(order, shown["status"], parts)


def _balances(stage: Stage) -> None:
    """Each user's four sums, as the API says and as the model predicts."""
    for user in USERS:
        _, shown = stage.call("GET", f"/users/{user}/balance")
        names = ("available", "reserved", "inEscrow", "pendingWithdrawal")
        books_say = tuple(stroops(shown[name]) for name in names)
        model_says = stage.model.balance(user)
        stage.tell(f"{user} {books_say}")
        if books_say != model_says:
            stage.wrong(f"{user}: books {books_say}, model {model_says}")


def _contracts(stage: Stage) -> None:
    """Each contract holds what the model says, and the books say the same (I3)."""
    for order in stage.model.orders.values():
        held = stage.model.held[order.contract] if order.contract else 0
        if held != stage.model.contract(order.id):
            stage.wrong(f"{order.id}: contract {held}, model {stage.model.contract(order.id)}")
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT a.kind, a.owner, coalesce(b.amount, 0) FROM ledger_account a
            LEFT JOIN ledger_balance b ON b.account_id = a.id
            WHERE a.asset = 'USDC' AND a.kind IN ('wallet', 'platform', 'contract')""")
        for kind, owner, amount in cursor.fetchall():
            if amount != (held := stage.model.held[owner]):
                stage.wrong(f"{kind}: books {amount}, chain {held}")


def _sequences(stage: Stage) -> None:
    """I7: the events of each object are numbered without a gap."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT subject, count(*), max(sequence) FROM events_event GROUP BY subject
            HAVING count(*) <> max(sequence) OR min(sequence) <> 1""")
        for subject, count, last in cursor.fetchall():
            stage.wrong(f"{subject} has {count} events and the last is number {last}")
