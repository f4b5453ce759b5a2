"""An operator's wish that a chain operation be looked at now. Nothing is ever sent by hand."""

from django.db.models.functions import Now

from offerhub.chain.submission import RUNNABLE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.core.db import in_transaction
from offerhub.core.errors import NotFound, WrongState


@in_transaction
def look_now(*, operation_id: str) -> Submission:
    """Make an operation due at once: the runner looks its envelope up, and goes on from there.

    It changes when the next look is and nothing else, so it writes no event; who wished it is in
    the audit. Raises NotFound, and WrongState for one that no runner may touch any more.
    """
    row = find_any(operation_id, lock=True)
    if row.status not in RUNNABLE:
        raise WrongState(f"The operation is {row.status}: there is nothing left to look for")
    type(row)._base_manager.filter(pk=row.pk).update(next_attempt_at=Now(), looks=0)
    return row


def find_any(operation_id: str, *, lock: bool = False) -> Submission:
    """An operation of any table and any marketplace, by its id. Raises NotFound."""
    for table in concrete_tables():
        rows = table._base_manager.filter(pk=operation_id)
        if lock:
            rows = rows.select_for_update(of=("self",))
        if (row := rows.first()) is not None:
            return row
    raise NotFound("There is no such operation")
