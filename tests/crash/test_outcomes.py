"""Ten flows × nineteen answers of a network: whatever it says, each call happens once and ends.

The rows are those of the catalogue of chain failures that meet any call. In the suite a part of the
cells is played, so that each flow and each outcome is; `make matrix` plays all. The answers to the
submission of a deployment, a funding, a release and a refund are tests/orders/test_faults.py too.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from offerhub.chain import keys, stellar
from offerhub.chain.submission import Status, Submission
from offerhub.core import jobs
from offerhub.users.models import Wallet
from tests.crash.scene import OUT, Scene, let_the_lease_run_out
from tests.crash.test_matrix import FLOWS, JOB_OF, _fresh, _made_since
from tests.crash.workers import Killed

HORIZON = ("WITHDRAW", "BATCH")
PLAYED = (
    *("DEPLOY", "FUND", "COMPLETE", "APPROVE", "RELEASE", "DISPUTE", "RESOLVE"),
    *("RESOLVE of a dispute", *HORIZON),
)
LOOK = "/transactions/"  # GET: what became of a hash


@dataclass
class Bad:
    """One call on a bad day."""

    scene: Scene
    row: Submission
    worker: Killed
    sends: str  # the path that takes its envelope

    def send(self, answer: str, times: int = 1) -> None:
        """So the next submissions are answered."""
        self.scene.world.network.fault(answer, self.sends, method="POST", times=times)

    def look(self, answer: str, times: int = 1) -> None:
        """So the next look-ups are answered."""
        self.scene.world.network.fault(answer, LOOK, method="GET", times=times)

    def build(self, answer: str, times: int = 1, **more: str) -> None:
        """So the provider answers when it is asked for a call's envelope; payments ask nobody."""
        for path in ("/deployer/", "/escrow/"):
            self.scene.world.network.fault(answer, path, method="POST", times=times, **more)

    def run(self) -> None:
        """A worker tries once."""
        jobs.run(JOB_OF[type(self.row)], self.row.pk)

    def die(self, point: str) -> None:
        """A worker dies there, and its lease runs out."""
        assert self.worker(JOB_OF[type(self.row)], self.row.pk, point=point) == 137
        let_the_lease_run_out(self.row)

    def expire(self) -> None:
        """So much time passes that no envelope of before can apply."""
        self.scene.world.network.heal()
        self.scene.world.network.advance("PT10M")
        self.scene.world.watch()

    def use_the_account(self) -> None:
        """Somebody else sends a transaction of the same account."""
        wallet: Wallet = _fresh(self.row).source_wallet  # type: ignore[attr-defined]
        source = stellar.account(wallet.address)
        envelope = stellar.build_payment(source.address, source.sequence, source.address, 1)
        stellar.submit(keys.sign(envelope, wallet))
        assert stellar.look_up(envelope.hash).fact is not None  # paid, or failed: it is used


@dataclass(frozen=True)
class Outcome:
    """What is scripted, how many envelopes it takes, and the source's calls beyond the one: those
    that are not ours, and those that failed in a ledger."""

    script: Callable[[Bad], None]
    envelopes: int = 1
    strange: int = 0
    failed: int = 0


def _lost_for_ever(bad: Bad) -> None:
    bad.send("504-before")
    bad.run()
    bad.expire()


def _seen_late(bad: Bad) -> None:
    bad.send("504-after")
    bad.look("lag", 4)


def _bad_seq_after_it_landed(bad: Bad) -> None:
    bad.send("504-after")
    bad.look("lag")
    bad.send("bad-seq")


def _dead_after_signing(bad: Bad) -> None:
    bad.die("before_submit")
    bad.expire()


def _account_used(bad: Bad) -> None:
    bad.die("before_submit")
    bad.use_the_account()
    bad.run()
    bad.expire()


def _lost_and_unseen(bad: Bad) -> None:
    bad.send("drop")
    bad.look("503", 3)


CONTRACTS_ALONE = "B-S15 an archived entry"  # payments touch no contract's entries
OUTCOMES = {
    "B-S1 dead after signing, expired": Outcome(_dead_after_signing, envelopes=2),
    "B-S2 dead after sending": Outcome(lambda bad: bad.die("after_submit")),
    "B-S3 504, landed": Outcome(lambda bad: bad.send("504-after", 2)),
    "B-S4 504, lost, sent again": Outcome(lambda bad: bad.send("504-before", 2)),
    "B-S4 504, lost for ever": Outcome(_lost_for_ever, envelopes=2),
    "B-S5 landed, seen late": Outcome(_seen_late),
    "B-S6 tx_bad_seq after it landed": Outcome(_bad_seq_after_it_landed),
    "B-S7 the account was used": Outcome(_account_used, envelopes=2, strange=1),
    "B-S7 tx_bad_seq that is not true": Outcome(lambda bad: bad.send("bad-seq")),
    "B-S10 429 again and again": Outcome(lambda bad: bad.send("429", 5)),
    "B-S10 429 while it is built": Outcome(lambda bad: bad.build("429", 2)),
    "B-S12 a failure in a 200": Outcome(lambda bad: bad.send("failed-200", 2)),
    "B-S13 another envelope than asked": Outcome(
        lambda bad: bad.build("tampered", mutation="extra-operation")
    ),
    CONTRACTS_ALONE: Outcome(lambda bad: bad.send("entry-archived", 2), envelopes=3, failed=2),
    "no answer, landed": Outcome(lambda bad: bad.send("drop-after", 2)),
    "no answer, lost": Outcome(lambda bad: bad.send("drop", 2)),
    "503 when it is sent": Outcome(lambda bad: bad.send("503", 3)),
    "503 while it is built": Outcome(lambda bad: bad.build("503", 2)),
    "no answer, and nobody to ask": Outcome(_lost_and_unseen),
}
MATRIX = [
    (flow, outcome)
    for flow in PLAYED
    for outcome in OUTCOMES
    if flow not in HORIZON or outcome != CONTRACTS_ALONE
]


def _played(flow: str, outcome: str) -> bool:
    whole = os.environ.get("CRASH_MATRIX") == "whole"
    return whole or (PLAYED.index(flow) * 2 + list(OUTCOMES).index(outcome)) % 9 == 0


@pytest.fixture
def bad(scene: Scene, worker: Killed) -> Iterator[Callable[[str], Bad]]:
    """A call that is asked for and not run; the network is healed after the test."""

    def ask(name: str) -> Bad:
        sends = "/transactions" if name in HORIZON else "/helper/send-transaction"
        return Bad(scene, FLOWS[name].ask(scene), worker, sends)

    yield ask
    scene.world.network.heal()


@pytest.mark.parametrize(("name", "outcome"), [cell for cell in MATRIX if _played(*cell)])
def test_whatever_the_network_answers_a_call_happens_once(
    bad: Callable[[str], Bad], name: str, outcome: str
) -> None:
    flow, expected = FLOWS[name], OUTCOMES[outcome]
    call = bad(name)
    scene = call.scene
    before = scene.sequences()
    expected.script(call)
    scene.world.settle()
    scene.world.network.heal()
    row = _fresh(call.row)
    assert (row.status, row.attempts) == (Status.CONFIRMED, expected.envelopes)
    made = dict(flow.expected_calls)
    made[flow.source] += expected.strange + expected.failed
    assert _made_since(before, scene) == made
    scene.world.watch()
    assert scene.balances() == (flow.ann, flow.bob)
    if scene.destination:
        assert scene.world.network.held(scene.destination) == f"{OUT}.0000000"
    # What somebody else spent of an account's fee money is in no book.
    differences = [d for d in scene.world.differences() if not d.startswith("xlm:")]
    assert (scene.world.differences() if not expected.strange else differences) == []


def test_the_matrix_is_ten_flows_by_nineteen_outcomes() -> None:
    assert (len(set(PLAYED)), len(OUTCOMES), len(MATRIX)) == (10, 19, 188)
    assert {flow for flow, outcome in MATRIX if _played(flow, outcome)} == set(PLAYED)
    assert {outcome for flow, outcome in MATRIX if _played(flow, outcome)} == set(OUTCOMES)
