"""The events of disputes. Who of the staff works on a case stays inside."""

from disputes.states import PARTIES, Decision, DisputeStatus, Party
from offerhub.events.catalog import declare
from offerhub.events.fields import (
    AMOUNT,
    CODE,
    DETAIL,
    TIME,
    Field,
    identifier,
    listed,
    nullable,
    one_of,
    private,
    text,
)

STATUS = one_of(DisputeStatus)
PARTY = one_of(PARTIES)
SPEAKER = one_of(Party)
DECISION = one_of(Decision)
STAFF = private(nullable(text("stf_01k9v3c0m8f4v9x2n6q7r5t1ab")))
PROPOSAL = identifier("prp")


def _dispute(name: str, summary: str, /, **fields: Field) -> None:
    order = identifier("ord")
    declare(f"dispute.{name}", summary, "dsp", status=STATUS, orderId=order, **fields)


_dispute(
    "opened",
    "A party disputes milestones; their money is being frozen",
    openedBy=PARTY,
    amount=AMOUNT,
    milestones=listed(text("m1")),
)
_dispute("frozen", "The disputed money is frozen on the chain, after all")
_dispute("freeze_failed", "The disputed money could not be frozen", code=CODE, detail=DETAIL)
_dispute("taken_up", "Somebody of the staff looks at it")
_dispute("assigned", "Somebody of the staff took or left the case", to=STAFF, **{"from": STAFF})
_dispute(
    "statement_submitted",
    "A party handed in a statement",
    by=PARTY,
    statementId=identifier("stm"),
)
_dispute("message", "Somebody wrote a message", by=SPEAKER, messageId=identifier("msg"))
_dispute(
    "evidence_added",
    "Somebody added a file",
    by=SPEAKER,
    evidenceId=identifier("evd"),
    name=text("photo.jpg"),
    sha256=text("9f" * 32),
)
_dispute(
    "information_requested",
    "The staff asked a party for more; the clocks stand until the time in `until`",
    party=PARTY,
    messageId=identifier("msg"),
    until=TIME,
)
_dispute("answered", "The party that was asked has answered", by=PARTY)
_dispute("answer_overdue", "The party that was asked did not answer in time", party=PARTY)
_dispute("proposed", "A resolution is proposed", decision=DECISION)
_dispute("proposal_rejected", "The proposal was not agreed to", proposalId=PROPOSAL)
_dispute("proposal_withdrawn", "The proposal was taken back", proposalId=PROPOSAL)
_dispute("proposal_expired", "Nobody agreed to the proposal in time", proposalId=PROPOSAL)
_dispute(
    "decided",
    "It is decided; the contract is being told",
    decision=DECISION,
    seller=AMOUNT,
    buyer=AMOUNT,
)
_dispute("settlement_failed", "The contract refused the division", code=CODE, detail=DETAIL)
_dispute(
    "settlement_retried", "The contract's balance had moved; asked again", code=CODE, detail=DETAIL
)
_dispute("retried", "What had failed on the chain was asked for again")
_dispute("reopened", "A decision that failed is taken back for a new one", proposalId=PROPOSAL)
_dispute("withdrawal_requested", "Who opened it gives it up", by=PARTY)
_dispute("resolved", "The money is divided; the dispute is closed", decision=nullable(DECISION))
_dispute("withdrawn", "It was given up; the dispute is closed", decision=nullable(DECISION))
