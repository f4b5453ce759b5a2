"""The app of reconciliation and proofs."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """Books against chain, proof of funds, and evidence that nobody changed the journal."""

    name = "offerhub.reconciliation"
