"""Many backers, one goal and one deadline."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Campaigns, whose pledges are orders."""

    name = "offerhub.campaigns"
    label = "campaigns"
