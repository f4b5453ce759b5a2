"""Deposits in suspense, and what becomes of them."""

from django.apps import AppConfig


class SuspenseConfig(AppConfig):
    """Clearing what nobody could be credited for."""

    name = "offerhub.suspense"
    label = "suspense"
