"""What an entry tells: one kind per movement."""

from django.db import models


class EntryKind(models.TextChoices):
    """One per function of `movements`; a settlement is a release, a refund or a split."""

    DEPOSIT = "deposit"
    SUSPENSE = "suspense"
    RESERVE = "reserve"
    UNRESERVE = "unreserve"
    FUND = "fund"
    RELEASE = "release"
    REFUND = "refund"
    SPLIT = "split"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"
    WITHDRAWAL_RETURNED = "withdrawal_returned"
    WITHDRAWAL_CONFIRMED = "withdrawal_confirmed"
    NETWORK_FEE = "network_fee"
    CAPITAL = "capital"
    FEE_MONEY = "fee_money"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"
