"""From movements to deposits, entries in the books and events, inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction

from ledger import movements
from ledger.errors import LedgerRefused
from offerhub.chain.events import Seen
from offerhub.chain.network import current
from offerhub.chain.types import ChainFact
from offerhub.core.errors import Refusal
from offerhub.deposits.addresses import our_envelopes, owners_of
from offerhub.deposits.judgement import (
    XLM,
    Asset,
    Owner,
    Role,
    asset_of,
    is_bookable,
    is_by_a_party,
    judge,
    numbered,
)
from offerhub.deposits.models import Deposit, deposit_id
from offerhub.deposits.rows import ACTOR, Finding, insert, record_events, set_aside

log = structlog.get_logger(__name__)

# Refusals that belong to one movement. It goes into quarantine; the others are booked.
POISON = (DataError, IntegrityError, Refusal, LedgerRefused)


@dataclass
class Booked:
    """What became of some movements, as counts. `known` were booked before."""

    looked_at: int = 0
    credited: int = 0
    suspended: int = 0
    known: int = 0
    quarantined: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, other: "Booked") -> None:
        """Count another page in; its ids are not kept, however long it takes."""
        self.looked_at += other.looked_at
        self.credited += other.credited
        self.suspended += other.suspended
        self.known += other.known
        self.quarantined += other.quarantined


def book(network: str, seen: Sequence[Seen], *, carefully: bool = False) -> Booked:
    """Book those of the movements that are deposits, each once for ever.

    Statements: three look-ups, one insert, one for the events, and one per new entry. When one of
    them raises POISON the transaction is over; the caller tries again `carefully`, at the cost of
    a savepoint for each.
    """
    usdc = (current().asset_code, current().usdc_issuer)
    owners = owners_of(
        address for one in seen for address in (one.transfer.sender, one.transfer.recipient)
    )
    found, impossible = _findings(seen, owners, usdc)
    booked = Booked(looked_at=len(seen))
    if impossible:
        booked.quarantined += set_aside(network, impossible, "more than the books can hold")
    new = insert(network, found) if not carefully else found
    booked.known = len(found) - len(new)
    enter = _enter_carefully if carefully else _enter
    done = enter(network, new, usdc, booked)
    record_events(done)
    for finding in done:
        booked.ids.append(finding.id)
        credited = finding.verdict.status == Deposit.Status.CREDITED
        booked.credited += credited
        booked.suspended += not credited
    return booked


def _findings(
    seen: Sequence[Seen], owners: dict[str, Owner], usdc: Asset
) -> tuple[list[Finding], list[Seen]]:
    """The deposits among the movements, and those whose amount cannot be."""
    found: list[Finding] = []
    impossible: list[Seen] = []
    fundings = our_envelopes(
        one.hash
        for one in seen
        if is_by_a_party(owners.get(one.transfer.sender), owners.get(one.transfer.recipient))
    )
    for index, one in numbered(seen):
        verdict = judge(one, owners, usdc, fundings)
        if verdict is None:
            continue
        if is_bookable(one.transfer):
            owner = owners[one.transfer.recipient]
            found.append(Finding(deposit_id(), one, index, owner, verdict))
        else:
            impossible.append(one)
    return found, impossible


# --- entries ----------------------------------------------------------------------------------
def _enter(
    network: str, findings: Sequence[Finding], usdc: Asset, booked: Booked
) -> Sequence[Finding]:
    """In the order of addresses: two pages at once then wait for each other and do not deadlock."""
    for finding in sorted(findings, key=lambda finding: finding.transfer.recipient):
        _post(network, finding, usdc)
    return findings


def _enter_carefully(
    network: str, findings: Sequence[Finding], usdc: Asset, booked: Booked
) -> Sequence[Finding]:
    """One by one, row and entry in a savepoint: what is refused goes into quarantine."""
    done = []
    for finding in findings:
        try:
            with transaction.atomic():
                is_new = bool(insert(network, [finding]))
                if is_new:
                    _post(network, finding, usdc)
        except POISON as error:
            log.error("deposit_not_booked", movement=finding.source(network), error=str(error))
            problem = f"{type(error).__name__}: {error}"
            booked.quarantined += set_aside(network, [finding.seen], problem)
            continue
        if is_new:
            done.append(finding)
        else:
            booked.known += 1
    return done


def _post(network: str, finding: Finding, usdc: Asset) -> None:
    transfer, owner = finding.transfer, finding.owner
    asset = asset_of(transfer)
    common: dict[str, Any] = {
        "marketplace_id": owner.marketplace_id,
        "address": transfer.recipient,
        "amount": transfer.amount,
        "source": finding.source(network),
        "fact": _fact(finding.seen),
        "actor": ACTOR,
    }
    if finding.verdict.status == Deposit.Status.SUSPENSE:
        movements.deposit_to_suspense(
            **common,
            asset=_asset_name(asset, usdc),
            reason=finding.verdict.reason,
            holder=_holder(owner),
        )
    elif finding.verdict.reason == Deposit.Reason.PLATFORM_CAPITAL:
        movements.capital_in(**common)
    else:
        assert owner.user_id is not None
        description = f"from {transfer.sender or 'the issuer'}"
        movements.deposit(**common, user_id=owner.user_id, asset=usdc[0], description=description)


def _fact(seen: Seen) -> ChainFact:
    """What the books want to know of it. The sender paid the network, so no fee is ours."""
    return ChainFact(seen.hash, seen.ledger, seen.closed_at, 0, "", True, (seen.transfer,))


def _asset_name(asset: Asset, usdc: Asset) -> str:
    """As the books write it: the code alone only for the genuine ones."""
    return asset[0] if asset in (usdc, XLM) else ":".join(asset)


def _holder(owner: Owner) -> movements.Holder:
    if owner.role == Role.CONTRACT:
        return "contract"
    return "platform" if owner.role == Role.PLATFORM else "wallet"
