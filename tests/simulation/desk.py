"""Disputes, and what people of the desk do: propose, agree, and not agree."""

import random
from typing import Any

from disputes import resolution
from offerhub.approvals.models import Proposal
from offerhub.core.errors import Refusal
from orders.models import Milestone
from orders.plans import Share
from payouts import decisions
from tests.simulation import many
from tests.simulation.agreed import Order
from tests.simulation.asking import CENT, UNIT, ask, text
from tests.simulation.choosing import open_dispute, undisputed
from tests.simulation.death import mortal
from tests.simulation.requests import fund
from tests.simulation.stage import Stage
from tests.simulation.terms import Proposed


def dispute(stage: Stage, rng: random.Random) -> None:
    """A party complains about an order or one milestone of it."""
    row = undisputed(stage, rng)
    if row is None:
        fund(stage, rng)
        return
    part = rng.choice([None, *row.parts])
    body = {"orderId": row.id, "reason": "late", "openedBy": rng.choice(["buyer", "seller"])}
    body |= {"milestoneId": part.ref} if part else {}
    status, shown = ask(stage, rng, "/disputes", body)
    if status in (201, 202):
        refs = [milestone["id"] for milestone in shown["milestones"]]
        if shown["id"] not in [one for one, _, _ in stage.disputes]:
            stage.disputes.append((shown["id"], row.id, refs))


def resolve(stage: Stage, rng: random.Random) -> None:
    """The marketplace's server decides a dispute, or proposes it to a second person."""
    chosen = open_dispute(stage, rng)
    if chosen is None:
        dispute(stage, rng)
        return
    identifier, order, refs = chosen
    shares, body = _decision(rng, order, refs)
    status, shown = ask(stage, rng, f"/disputes/{identifier}/resolve", body)
    if status in (200, 202):
        proposal = shown["proposal"] or {}
        _proposed(stage, proposal.get("id", ""), identifier, shares, proposal.get("needsApproval"))


def _decision(
    rng: random.Random, order: Order, refs: list[str]
) -> tuple[list[tuple[str, str, int]], dict[str, Any]]:
    """Shares, and how the API is told of them."""
    parts = [part for part in order.parts if part.ref in refs]
    decision = rng.choice(
        ["RELEASE", "REFUND", "SPLIT"] if len(parts) == 1 else ["RELEASE", "REFUND"]
    )
    body: dict[str, Any] = {"decision": decision}
    share = rng.randint(0, parts[0].amount // CENT) * CENT
    if decision == "SPLIT":
        body["split"] = {"seller": text(share), "buyer": text(parts[0].amount - share)}
    sides = {"RELEASE": None, "REFUND": 0, "SPLIT": share}
    to_seller = sides[decision]
    return [(order.id, p.ref, p.amount if to_seller is None else to_seller) for p in parts], body


def _proposed(
    stage: Stage, proposal: str, dispute: str, shares: list[tuple[str, str, int]], waits: Any
) -> None:
    """It is decided, or a second person must agree: by this run's terms, whatever was answered."""
    limit = stage.terms.approve_over * UNIT
    whole = sum(stage.model.part(order, ref).amount for order, ref, _ in shares)
    if bool(waits) != bool(limit and whole > limit):
        stage.wrong(f"{dispute} over {whole}: waits for a second person: {waits}")
    if waits:
        stage.proposals.setdefault(proposal, Proposed(proposal, dispute, shares))
        return
    for order, ref, to_seller in shares:
        stage.model.agreed(order, ref, to_seller)


def give_in(stage: Stage, rng: random.Random) -> None:
    """Who opened a dispute gives it up: the money goes to the other party."""
    if chosen := open_dispute(stage, rng):
        identifier, order, refs = chosen
        status, shown = ask(stage, rng, f"/disputes/{identifier}/withdraw")
        if status in (200, 202):
            for part in order.parts:
                if part.ref in refs:
                    to_seller = part.amount if shown["openedBy"] == "buyer" else 0
                    stage.model.agreed(order.id, part.ref, to_seller)


# --- people -------------------------------------------------------------------------------------
def propose(stage: Stage, rng: random.Random) -> None:
    """A person of the desk decides a dispute, or proposes to."""
    chosen = open_dispute(stage, rng)
    if chosen is None:
        dispute(stage, rng)
        return
    identifier, order, refs = chosen
    decided, _ = _decision(rng, order, refs)
    rows = {m.ref: m for m in Milestone.objects.filter(order=order.id)}
    shares = [Share(rows[r].id, part, rows[r].amount - part) for _, r, part in decided]
    who = rng.choice(stage.staff)
    known = set(Proposal.objects.filter(subject=identifier).values_list("pk", flat=True))
    done = act(
        stage,
        rng,
        "propose",
        lambda: resolution.propose(
            dispute_id=identifier, marketplace_id=None, shares=shares, text="So", actor=who
        ),
    )
    made = Proposal.objects.filter(subject=identifier).exclude(pk__in=known).first()
    if done and made is None:
        stage.wrong(f"nothing was proposed for {identifier}")
    if made is not None:
        _proposed(stage, made.pk, identifier, decided, made.required)


def decide(stage: Stage, rng: random.Random) -> None:
    """A person of the desk agrees to what waits for a second one, or does not; their own they
    may not."""
    rows = [row for row in stage.proposals.values() if not row.over][-4:]
    if rows:
        _decide(stage, rng, rng.choice(rows))


def finish(stage: Stage) -> None:
    """Every proposal that is still open, decided by one of two."""
    for batch in stage.batches:
        many.read(stage, batch)
    for row in list(stage.proposals.values()):
        look_at(stage, row)
        if not row.over:
            _decide(stage, stage.rng, row)


def _decide(stage: Stage, rng: random.Random, row: Proposed) -> None:
    who, agrees = rng.choice(stage.staff), rng.random() < 0.7
    seen = Proposal.objects.get(pk=row.id)
    service = resolution if row.shares else decisions
    verdict = service.approve if agrees else service.reject
    if agrees:
        row.agreed_by.add(str(who))
        row.since = row.since or stage.now()
    word = f"{'agree' if agrees else 'disagree'} {row.subject}"
    done = act(stage, rng, word, lambda: verdict(proposal_id=row.id, digest=seen.digest, actor=who))
    if done and seen.proposer == str(who):
        stage.wrong(f"{row.subject} was decided by who proposed it")
    look_at(stage, row)


def look_at(stage: Stage, row: Proposed) -> None:
    """What became of a proposal, as the desk shows it; its money may move from then on."""
    now = Proposal.objects.get(pk=row.id)
    row.over = now.status != "OPEN"
    if now.status != "APPROVED":
        return
    if not row.agreed_by - {now.proposer}:
        stage.wrong(f"nobody else agreed to {row.subject}")
    for order, ref, to_seller in row.shares:
        stage.model.agreed(order, ref, to_seller, row.since)
    if not row.shares:
        stage.model.withdrawals[row.subject].since = row.since


def act(stage: Stage, rng: random.Random, what: str, do: Any) -> bool:
    """Do what a page would; whether it was not refused, and its process lived."""
    stage.operations += 1
    said = ""
    if stage.raging and rng.random() < stage.terms.deaths:
        stage.death.statements = rng.randint(1, 30)
    with mortal(stage.death, stage.tell):
        try:
            do()
            said = "done"
        except Refusal as refusal:
            said = refusal.code
    if not said:
        stage.forget()
    stage.tell(f"desk: {what} {said}")
    return said == "done"
