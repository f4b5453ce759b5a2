"""The states of a run and their edges, as the database guards them."""

from django.db import models


class RunState(models.TextChoices):
    """A run that died is RUNNING until another worker takes it and begins again."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"  # the file is whole
    FAILED = "FAILED"  # there is no file; `problem` says why
    EXPIRED = "EXPIRED"  # the file was deleted when its time was over


_R = RunState

RUN_EDGES: dict[str, list[str]] = {
    _R.QUEUED: [_R.RUNNING],
    _R.RUNNING: [_R.DONE, _R.FAILED],
    _R.DONE: [_R.EXPIRED],
}
LIVE = (_R.QUEUED, _R.RUNNING)
