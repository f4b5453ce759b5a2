"""What the API does beside its requests."""

from offerhub.api import call_log, idempotency
from offerhub.core import jobs


@jobs.sweep("api.forget_idempotency_keys", every=3600)
def forget_idempotency_keys() -> list[jobs.Ring]:
    """Delete the keys that are past their 30 days."""
    idempotency.forget_old()
    return []


@jobs.sweep("api.forget_calls", every=3600)
def forget_calls() -> list[jobs.Ring]:
    """Delete what the log of calls has kept for 30 days."""
    call_log.forget_old()
    return []
