"""Jobs and sweeps of subscriptions."""

from offerhub.core import jobs
from offerhub.subscriptions.advancing import JOB
from offerhub.subscriptions.advancing import attend as attend_one
from offerhub.subscriptions.models import Subscription


@jobs.job(JOB)
def attend(subscription_id: str) -> None:
    """Do what is due of one subscription."""
    seconds = attend_one(subscription_id=subscription_id)
    if seconds is not None:
        raise jobs.Later(max(seconds, 0.05))


@jobs.sweep("subscriptions.due", every=1.0)
def due() -> list[jobs.Ring]:
    """Subscriptions of which something is due, by the database's clock."""
    return [(JOB, row) for row in Subscription.objects.due()]
