"""Handing in a file, and links to it."""

from datetime import timedelta
from typing import Any

from django.core import signing

from disputes.evidence import keeping
from disputes.evidence.kinds import MEDIA_TYPES
from disputes.evidence.reading import Received
from disputes.models import Dispute, Evidence
from disputes.services import heard, lock_dispute, record, refuse_closed
from disputes.states import Party
from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidReference, NotFound, WrongState

MOST_FILES = 20
LINK_LASTS = timedelta(minutes=5)
_SIGNER = signing.Signer(salt="disputes.evidence.link")


@in_transaction
def add_evidence(
    *,
    marketplace_id: str,
    dispute_id: str,
    party: Party,
    received: Received,
    stored_as: str,
    statement_id: str | None = None,
    actor: Actor,
) -> Evidence:
    """Take a file that was read and written already (`reading.read`, `keeping.keep`).

    Raises WrongState when the dispute is closed or holds 20 files, InvalidReference for a statement
    that is not this party's; the caller then discards the file.
    """
    dispute = lock_dispute(marketplace_id, dispute_id)
    refuse_more(dispute)
    statements = dispute.statements.filter(party=party, pk=statement_id)
    if statement_id is not None and not statements.exists():
        text = "is not a statement of this party in this dispute"
        raise InvalidReference(errors=[FieldError("statementId", "unknown_statement", text)])
    file = received.file
    row: Evidence = Evidence.objects.create(
        dispute=dispute,
        statement_id=statement_id,
        party=party,
        kind=file.kind.value,
        name=received.name,
        size=len(file.content),
        sha256=received.sha256,
        received_sha256=received.received_sha256,
        stored_as=stored_as,
        preview_count=len(file.previews),
        actor=str(actor),
        created_at=clock.now(),
    )
    if party != Party.STAFF:
        heard(dispute, party, actor)
    facts = {"by": party, "evidenceId": row.id, "name": row.name, "sha256": row.sha256}
    record(dispute, "dispute.evidence_added", actor, facts)
    return row


def refuse_more(dispute: Dispute) -> None:
    """Raise WrongState when the dispute is closed or full."""
    refuse_closed(dispute)
    if dispute.evidence.count() >= MOST_FILES:
        raise WrongState(f"A dispute takes {MOST_FILES} files")


def signed_link(row: Evidence, preview: int = 0) -> str:
    """A token that opens this file of this dispute for five minutes by the product's clock;
    `preview` counts from 1, 0 is the file itself."""
    until = int((clock.now() + LINK_LASTS).timestamp())
    return _SIGNER.sign_object([row.pk, row.dispute_id, preview, until])


def opened(token: str) -> tuple[Evidence, int]:
    """The file and the number of the preview that a token opens; raises NotFound."""
    try:
        said: Any = _SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise NotFound("This link is not valid") from None
    evidence_id, dispute_id, preview, until = said
    if clock.now().timestamp() >= until:
        raise NotFound("This link has expired; ask for a new one")
    row = Evidence.objects.filter(pk=evidence_id, dispute=dispute_id).first()
    if row is None:
        raise NotFound("This link is not valid")
    return row, preview


def media_type(row: Evidence) -> str:
    """What the file is served as."""
    return MEDIA_TYPES[row.kind]


def sweep_orphans() -> int:
    """Take away files that no row names; how many."""
    return keeping.sweep_orphans()
