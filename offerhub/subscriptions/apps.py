"""Sales that come again: an order and an escrow per billing cycle."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Plans between a buyer and a seller, and their cycles."""

    name = "offerhub.subscriptions"
    label = "subscriptions"
