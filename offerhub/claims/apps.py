"""Claimable balances for our wallets, and claiming them."""

from django.apps import AppConfig


class ClaimsConfig(AppConfig):
    """Fetching what somebody set aside for one of our wallets."""

    name = "offerhub.claims"
    label = "claims"
