"""The tables of submissions: which there are, what of one is due, and one row of any by its id."""

from django.db import models
from django.db.models.functions import Now

from offerhub.chain.submission import RUNNABLE, Submission


def due(model: type[Submission], limit: int = 200) -> list[str]:
    """Ids of rows of one table that want work now, the longest waiting first; without those whose
    account another operation is using."""
    free = models.Q(_account_taken_by="") | models.Q(_account_taken_by=models.F("pk"))
    rows = _due(model).annotate(_account_taken_by=_lane(model)).filter(free)
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def waits_for(model: type[Submission], row_id: str) -> str:
    """The account that a row waits for, when that is all it waits for; "" otherwise."""
    found = _due(model).filter(pk=row_id).values_list(model.LANE[1], flat=True).first()
    return str(found or "")


def _due(model: type[Submission]) -> models.QuerySet[Submission]:
    rows = model._base_manager.filter(status__in=RUNNABLE, next_attempt_at__lte=Now())
    return rows.filter(models.Q(lease_until=None) | models.Q(lease_until__lt=Now()))


def _lane(model: type[Submission]) -> models.F:
    """The operation that is using the account of a row."""
    return models.F(f"{model.LANE[1].removesuffix('_id')}__lane")


def find(operation: str, marketplace_id: str) -> Submission | None:
    """A chain operation of any table, by its id, within one marketplace."""
    for model in concrete_tables():
        row = model._base_manager.filter(pk=operation).first()
        if row is not None and row.marketplace_id == marketplace_id:
            return row
    return None


def concrete_tables() -> list[type[Submission]]:
    """Every table of submissions that the installed apps define."""
    found, queue = [], list(Submission.__subclasses__())
    while queue:
        model = queue.pop()
        queue.extend(model.__subclasses__())
        if not model._meta.abstract:
            found.append(model)
    return sorted(found, key=lambda model: model._meta.label)
