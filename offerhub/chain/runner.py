"""Running a submission: the algorithm of `offerhub.chain.submission`, and what it needs to know.

Nothing here is inside a transaction; the driver's `confirm` and `fail` open their own.
"""

from typing import Generic, Protocol, TypeVar

import structlog

from offerhub.budget.requests import spending
from offerhub.chain.crowds import CROWDS
from offerhub.chain.keys import SecretUnreadable
from offerhub.chain.submission import MAX_ENVELOPES, MAX_PAUSE, Status, Submission
from offerhub.chain.tables import waits_for
from offerhub.chain.types import (
    BuildRefused,
    ChainFact,
    ChainUnavailable,
    Envelope,
    EnvelopeRefused,
    Outcome,
    Verdict,
)
from offerhub.core.crash import crash_point
from offerhub.core.db import assert_no_transaction
from offerhub.core.errors import Refusal
from offerhub.core.jobs import Later

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=Submission, contravariant=True)
T = TypeVar("T", bound=Submission)


class Driver(Protocol[S]):
    """How one kind of submission meets the world. Only `confirm` and `fail` write."""

    def build(self, row: S) -> Envelope:
        """An unsigned envelope, already inspected against the intent. No effects outside.

        Raises BuildRefused, EnvelopeRefused or ChainUnavailable.
        """

    def sign(self, row: S, envelope: Envelope) -> str:
        """The signed envelope as XDR."""

    def party_signs(self, row: S) -> bool:
        """Whether the party holds the key: the envelope is handed out instead of signed."""

    def given_up(self, row: S) -> str:
        """Why a signature of the party is not waited for any more: a code, or empty."""

    def send(self, row: S) -> Outcome:
        """Hand the kept envelope to the network. Never raises for what the network answers."""

    def look_up(self, row: S) -> Outcome:
        """What the ledger says of the kept hash; UNKNOWN with code `not_found` when nothing."""

    def cannot_apply(self, row: S) -> bool:
        """Whether the network proves that the envelope is in no ledger and never can be."""

    def confirm(self, row: S, fact: ChainFact) -> None:
        """One transaction: lock, state, ledger, event. Does nothing when already done."""

    def fail(self, row: S, code: str, detail: str, fact: ChainFact | None) -> None:
        """The same for a proven failure. `fact` is set when the network charged for it."""

    def retire(self, row: S, code: str, fact: ChainFact) -> None:
        """One transaction: the envelope failed in a ledger and another one follows. Retires it and
        books what the network charged."""

    def is_final(self, code: str) -> bool:
        """Whether a rejection in a ledger ends the operation, or a new envelope may succeed."""


def advance(model: type[T], row_id: str, driver: Driver[T]) -> None:
    """Bring one submission as far as it goes now. Raises Later when it is due again soon."""
    assert_no_transaction()
    row = model.claim(row_id)
    if row is None:
        if account := waits_for(model, row_id):
            raise Later(CROWDS.join(account, row_id))
        return
    crash_point("after_claim")
    CROWDS.leave(getattr(row, model.LANE[1]), row_id)
    with structlog.contextvars.bound_contextvars(**_names(row)):
        _advance(row, driver)
    if row.pause is not None and row.status != Status.AWAITING_SIGNATURE:
        raise Later(row.pause)


def _names(row: Submission) -> dict[str, str]:
    """What every line of the log says while this row is worked on: whichever process does it, and
    however much later, the request that asked for it is named."""
    names = {"operation": row.pk, "kind": row.kind}
    return {**names, "request_id": row.request_id} if row.request_id else names


def _advance(row: T, driver: Driver[T]) -> None:
    try:
        with spending(row.allowance):
            _Run(row, driver).go()
    except (BuildRefused, ChainUnavailable) as error:
        code = getattr(error, "code", "chain_unavailable")
        status = Status.UNKNOWN if row.hash else Status.PENDING
        if row.hash and row.status == Status.AWAITING_SIGNATURE:
            status = Status.AWAITING_SIGNATURE
        row.put_off(status, code, str(error), pause=max(error.retry_after, row.next_pause))
        log.info("operation_put_off", code=code, detail=str(error), pause=row.pause)


RENEW = "renew"  # of an envelope's meta: another one is wanted when it has expired
WITHDRAWN, NOT_SIGNED = "withdrawn", "not_signed"
GIVEN_UP = {
    WITHDRAWN: "It was called off before the party signed it",
    NOT_SIGNED: "The party did not sign it in time",
}


class _Run(Generic[T]):
    """One claimed run of a submission."""

    def __init__(self, row: T, driver: Driver[T]) -> None:
        self.row, self.driver = row, driver

    def go(self) -> None:
        row = self.row
        if row.hash and self._is_over():
            return
        if row.status == Status.AWAITING_SIGNATURE:
            self._await_party()
            return
        if not row.hash and not self._new_envelope():
            return
        crash_point("before_submit")
        sent = self.driver.send(row)
        crash_point("after_submit")
        if self._settle(sent):
            return
        found = self.driver.look_up(row)
        if not self._settle(found):
            word = sent if sent.code else found
            row.put_off(Status.UNKNOWN, word.code, word.detail, pause=sent.retry_after)
            log.info("operation_unknown", hash=row.hash, code=word.code, pause=row.pause)

    def _is_over(self) -> bool:
        """Whether what became of the kept envelope ends this run."""
        found = self.driver.look_up(self.row)
        crash_point("after_look_up")
        return self._settle(found) or self._expired()

    def _settle(self, outcome: Outcome) -> bool:
        """Carry a final answer into the books; whether there was one."""
        row = self.row
        if outcome.verdict is Verdict.CONFIRMED and outcome.fact is not None:
            self._confirm(outcome.fact)
            return True
        if outcome.verdict is Verdict.REJECTED and outcome.fact is not None:
            if self.driver.is_final(outcome.code) or row.attempts >= MAX_ENVELOPES:
                self._fail(outcome.code, outcome.detail, outcome.fact)
                return True
            self.driver.retire(row, outcome.code, outcome.fact)
            row.put_off(Status.PENDING, outcome.code, outcome.detail)
            return True
        return False

    def _confirm(self, fact: ChainFact) -> None:
        """Book it. What the books can not take yet (money that the monitor has not seen arrive,
        a closed day) stays UNKNOWN and is booked later: the chain did it, that stands."""
        crash_point("before_confirm")
        try:
            self.driver.confirm(self.row, fact)
        except Refusal as refusal:
            log.warning("books_behind", code=refusal.code)
            self.row.put_off(Status.UNKNOWN, f"books_{refusal.code}", refusal.detail)
        else:
            log.info("operation_confirmed", hash=fact.hash, ledger=fact.ledger)
        crash_point("after_confirm")

    def _fail(self, code: str, detail: str, fact: ChainFact | None) -> None:
        """It is proven not to have happened."""
        self.driver.fail(self.row, code, detail, fact)
        log.info("operation_failed", code=code, detail=detail, hash=fact.hash if fact else "")

    def _expired(self) -> bool:
        """Retire an envelope that can not apply any more; True when nothing is left to send.

        The proof of absence comes first and the hash is looked up once more after it.
        """
        row = self.row
        if not self.driver.cannot_apply(row):
            return False
        if self._settle(self.driver.look_up(row)):
            return True
        if row.attempts >= MAX_ENVELOPES:
            problem = row.problem or {}
            self._fail(problem.get("code", "expired"), problem.get("detail", ""), None)
            return True
        if row.status == Status.AWAITING_SIGNATURE:
            return self._expired_unsigned()
        return not row.retire_envelope("expired") or not self._new_envelope()

    def _expired_unsigned(self) -> bool:
        """The same for one that the party did not sign; built anew when somebody asked for it."""
        renew = bool(self.row.envelope_meta.get(RENEW))
        if not self.row.retire_envelope("not_signed"):
            return True
        return renew and not self._new_envelope()

    def _await_party(self) -> None:
        """The envelope is with the party, or they let one expire. Once nobody waits for them any
        more the operation fails, but not before what they hold can not apply any more."""
        row = self.row
        if row.hash or not self._gave_up():
            row.await_signature()

    def _gave_up(self) -> bool:
        code = self.driver.given_up(self.row)
        if code:
            self._fail(code, GIVEN_UP.get(code, ""), None)
        return bool(code)

    def _new_envelope(self) -> bool:
        """Build, inspect, sign and keep; False when the operation ended or was put off."""
        row = self.row
        if self._gave_up():
            return False
        try:
            envelope = self.driver.build(row)
        except BuildRefused as error:
            if error.transient:
                raise
            self._fail(error.code, error.detail, None)
            return False
        except EnvelopeRefused as error:
            log.error("envelope_refused", detail=str(error))
            row.put_off(Status.PENDING, "envelope_refused", str(error), pause=MAX_PAUSE)
            return False
        crash_point("after_build")
        if self.driver.party_signs(row):
            row.hand_out(envelope)
            crash_point("after_hand_out")
            return False
        try:
            signed = self.driver.sign(row, envelope)
        except SecretUnreadable as error:
            log.error("key_unreadable", detail=str(error))
            row.put_off(Status.PENDING, "key_unreadable", str(error), pause=MAX_PAUSE)
            return False
        crash_point("after_sign")
        return row.keep_envelope(envelope, signed)
