"""Every operation × every crash point: a worker dies there, a restart ends as if nothing had been.

The tables are the matrix. A new flow is a row of FLOWS, a new point a row of POINTS; the last test
fails while one is missing. In the suite every flow dies at every point in turn, and one by one
at a part of them (`_played`); `make matrix` plays every cell.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from offerhub.chain.submission import Status, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.claims import services as claims
from offerhub.claims.models import Claim
from offerhub.core import jobs
from offerhub.suspense import services as suspense
from offerhub.suspense.models import Clearance
from offerhub.users.models import Wallet
from offerhub.wallets.models import WalletOperation
from orders.models import EscrowOperation
from orders.reimbursements import services as reimbursements
from orders.reimbursements.models import Reimbursement
from payouts.models import BatchPayment, WithdrawalAttempt
from tests.crash import rooms
from tests.crash.child import MOMENTS
from tests.crash.scene import OUT, PARTS, PRICE, Balances, Scene, let_the_lease_run_out
from tests.crash.workers import Killed
from tests.network import ROOT

JOB_OF: dict[type[Submission], str] = {
    WalletOperation: "wallets.operation",
    EscrowOperation: "orders.operation",
    WithdrawalAttempt: "payouts.attempt",
    BatchPayment: "payouts.batch_payment",
    Clearance: suspense.JOB,
    Reimbursement: reimbursements.JOB,
    Claim: claims.JOB,
}

# In the order in which a run passes them, with what is there when a worker dies: whether the signed
# envelope is kept, how many transactions the network has made, whether the books know it.
POINTS = {
    "after_claim": (False, 0, False),
    "after_first_answer": (False, 0, False),
    "after_build": (False, 0, False),
    "after_sign": (False, 0, False),
    "before_submit": (True, 0, False),
    "after_submit": (True, 1, False),
    "after_look_up": (True, 1, False),
    "before_confirm": (True, 1, False),
    "in_confirm": (True, 1, False),
    "before_commit": (True, 1, False),
    "before_bells": (True, 1, True),
    "after_confirm": (True, 1, True),
}
# Passed only by a worker that takes over from one that died there.
SECOND = {"after_look_up": "after_submit"}
# A row is confirmed once, so a worker can die at one of the last two only.
IN_TURN = [point for point in POINTS if point != "before_bells"]
# The points of the monitor and of a batch's checks have tests of their own, test_deposits.py and
# test_batches.py.
# Played in tests/deposits, tests/payouts, tests/campaigns/test_kills.py and tests/signing.
POINTS_ELSEWHERE = {
    *("before_page_commit", "before_scan_commit", "after_batch_item"),
    *("campaign_chosen", "campaign_pledge_asked", "after_hand_out"),
}

NOTHING: Balances = ("0.00", "0.00", "0.00", "0.00")
UNTOUCHED: Balances = ("100.00", "0.00", "0.00", "0.00")
RESERVED: Balances = ("40.00", "60.00", "0.00", "0.00")
IN_ESCROW: Balances = ("40.00", "0.00", "60.00", "0.00")
SPENT: Balances = ("40.00", "0.00", "0.00", "0.00")
PAID: Balances = ("60.00", "0.00", "0.00", "0.00")


@dataclass(frozen=True)
class Flow:
    """How an operation is asked for, whose account pays for it, and how everything ends."""

    ask: Callable[[Scene], Submission]
    source: str
    ann: Balances = UNTOUCHED
    bob: Balances = NOTHING
    # Transactions of each account from the moment of asking; the source's one unless said.
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def expected_calls(self) -> dict[str, int]:
        return self.calls or {self.source: 1}


def _single(kind: str) -> Callable[[Scene], Submission]:
    return lambda scene: scene.ask(kind, PRICE)


def _second_of_two(kind: str) -> Callable[[Scene], Submission]:
    return lambda scene: scene.ask(kind, *PARTS, milestone="m2")


FLOWS: dict[str, Flow] = {
    "BOOTSTRAP": Flow(Scene.ask_trustline, "PLATFORM", calls={"PLATFORM": 2}),
    "ACTIVATE": Flow(Scene.ask_activation, "PLATFORM"),
    "TOP_UP": Flow(Scene.ask_top_up, "PLATFORM"),
    "DEPLOY": Flow(_single("DEPLOY"), "ann", RESERVED),
    "FUND": Flow(_single("FUND"), "ann", IN_ESCROW),
    "COMPLETE": Flow(_single("COMPLETE"), "bob", IN_ESCROW),
    "APPROVE": Flow(_single("APPROVE"), "ann", IN_ESCROW),
    "RELEASE": Flow(_single("RELEASE"), "ann", SPENT, ("60.00", "0.00", "0.00", "0.00")),
    "RELEASE of one of two": Flow(
        _second_of_two("RELEASE"),
        "ann",
        ("40.00", "0.00", "25.00", "0.00"),
        ("35.00", "0.00", "0.00", "0.00"),
    ),
    "RELEASE with what is missing": Flow(
        Scene.ask_whole_release,
        "bob",
        SPENT,
        ("60.00", "0.00", "0.00", "0.00"),
        {"bob": 1, "ann": 2},
    ),
    "DISPUTE": Flow(_single("DISPUTE"), "ann", calls={"ann": 1, "RESOLVER": 1}),
    "RESOLVE": Flow(_single("RESOLVE"), "RESOLVER"),
    "RESOLVE of one of two": Flow(
        _second_of_two("RESOLVE"), "RESOLVER", ("75.00", "0.00", "25.00", "0.00")
    ),
    "DISPUTE by a party": Flow(Scene.ask_freeze, "bob", IN_ESCROW),
    "RESOLVE of a dispute": Flow(
        Scene.ask_settlement,
        "RESOLVER",
        ("60.00", "0.00", "0.00", "0.00"),
        ("40.00", "0.00", "0.00", "0.00"),
    ),
    "SWEEP": Flow(
        Scene.ask_sweep,
        "RESOLVER",
        ("60.0000001", "0.00", "0.00", "0.00"),
        ("40.00", "0.00", "0.00", "0.00"),
        {"RESOLVER": 2},
    ),
    "ASSIGN": Flow(Scene.ask_assignment, "PLATFORM", bob=("5.00", "0.00", "0.00", "0.00")),
    "WITHDRAW": Flow(Scene.ask_withdrawal, "ann", ("75.00", "0.00", "0.00", "0.00")),
    "BATCH": Flow(Scene.ask_batch, "CHANNEL", ("75.00", "0.00", "0.00", "0.00")),
    "REIMBURSE": Flow(rooms.ask_reimbursement, "PLATFORM"),
    "DEPLOY, paid at once": Flow(rooms.ask_prepaid, "ann", IN_ESCROW, calls={"ann": 2}),
    "DEPLOY of a cycle": Flow(rooms.ask_cycle, "ann", IN_ESCROW, calls={"ann": 2}),
    "DISPUTE of a cycle": Flow(rooms.ask_cut, "ann", calls={"ann": 1, "RESOLVER": 1}),
    "COMPLETE at a window's end": Flow(
        rooms.ask_at_the_windows_end, "bob", SPENT, PAID, {"bob": 1, "ann": 2}
    ),
    "APPROVE of a pledge": Flow(rooms.ask_pledge, "ann", SPENT, PAID, {"ann": 2}),
    "DISPUTE of a pledge": Flow(rooms.ask_pledge_back, "ann", calls={"ann": 1, "RESOLVER": 1}),
    "CLAIM": Flow(rooms.ask_claim, "bob", bob=("5.00", "0.00", "0.00", "0.00")),
}
MATRIX = [(flow, point) for flow in FLOWS for point in POINTS]
# In the suite: the cells that were there first, and an eighth of the others, spread over both.
FIRST_FLOWS = list(FLOWS)[:19]
FIRST_POINTS = (
    *("after_build", "after_sign", "before_submit", "after_submit"),
    *("before_confirm", "after_confirm"),
)


def _played(flow: str, point: str) -> bool:
    if os.environ.get("CRASH_MATRIX") == "whole":
        return True
    if flow in FIRST_FLOWS and point in FIRST_POINTS:
        return True
    return (list(FLOWS).index(flow) + list(POINTS).index(point)) % 8 == 0


def _fresh(row: Submission) -> Submission:
    return type(row)._base_manager.get(pk=row.pk)


def _made_since(before: dict[str, int], scene: Scene) -> dict[str, int]:
    """How many transactions each account has made since then."""
    now = scene.sequences()
    return {who: now[who] - number for who, number in before.items() if now[who] != number}


def _assert_ended(scene: Scene, flow: Flow, row: Submission, before: dict[str, int]) -> None:
    """Confirmed with one envelope, called once on the chain, and books and chain agree."""
    scene.world.settle()
    row = _fresh(row)
    assert (row.status, row.attempts, row.history) == (Status.CONFIRMED, 1, [])
    assert _made_since(before, scene) == flow.expected_calls
    assert scene.balances() == (flow.ann, flow.bob)
    if scene.destination:
        assert scene.world.network.held(scene.destination) == f"{OUT}.0000000"
    assert not Wallet.objects.filter(lane=row.pk).exists()
    scene.world.watch()
    assert scene.balances() == (flow.ann, flow.bob)
    assert scene.world.differences() == []


@pytest.mark.parametrize(("name", "point"), [cell for cell in MATRIX if _played(*cell)])
def test_a_restart_finishes_what_was_begun(
    scene: Scene, worker: Killed, name: str, point: str
) -> None:
    flow = FLOWS[name]
    kept, made, booked = POINTS[point]
    row = flow.ask(scene)
    job, before = JOB_OF[type(row)], scene.sequences()
    if point in SECOND:
        assert worker(job, row.pk, point=SECOND[point]) == 137
        let_the_lease_run_out(row)
    assert worker(job, row.pk, point=point) == 137

    dead = _fresh(row)
    assert _made_since(before, scene).get(flow.source, 0) == made
    assert (bool(dead.hash), dead.status == Status.CONFIRMED) == (kept, booked)
    if not booked:
        jobs.run(job, row.pk)  # while the dead worker's lease lasts nobody touches the row
        assert _fresh(row).lease == dead.lease != ""
        let_the_lease_run_out(row)
    _assert_ended(scene, flow, row, before)
    if kept:
        assert _fresh(row).hash == dead.hash


@pytest.mark.parametrize("name", FLOWS)
def test_a_worker_that_dies_at_every_point_in_turn_still_ends_once(
    scene: Scene, worker: Killed, name: str
) -> None:
    flow = FLOWS[name]
    row = flow.ask(scene)
    before = scene.sequences()
    for point in IN_TURN:
        assert worker(JOB_OF[type(row)], row.pk, point=point) == 137
        let_the_lease_run_out(row)
    _assert_ended(scene, flow, row, before)


def test_the_matrix_has_a_row_for_every_operation_and_every_point() -> None:
    named = set()
    for folder in ("offerhub", "ledger", "orders", "disputes", "payouts"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r'crash_point\("(\w+)"\)', path.read_text()))
    assert named | set(MOMENTS) == set(POINTS) | POINTS_ELSEWHERE
    assert set(JOB_OF) == set(concrete_tables())
    kinds = {*WalletOperation.Kind.values, *EscrowOperation.Kind.values}
    assert kinds | {"ASSIGN", "WITHDRAW", "BATCH", "REIMBURSE", "CLAIM"} <= set(FLOWS)
