"""The job and the sweep of campaigns."""

from offerhub.core import jobs
from orders.campaigns import settling
from orders.campaigns.models import Campaign
from orders.campaigns.rules import JOB


@jobs.job(JOB)
def attend_campaign(campaign_id: str) -> None:
    """Begin what is due, or go on with a settlement."""
    settling.attend(campaign_id)


@jobs.sweep("orders.campaigns", every=1.0)
def sweep_campaigns() -> list[jobs.Ring]:
    """Campaigns whose deadline has come, or whose settlement wants its next step."""
    return [(JOB, row) for row in Campaign.objects.due()]
