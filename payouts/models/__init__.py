"""Withdrawals, the payments that carry them, batches, and where and how much may leave."""

from payouts.models.batches import Batch as Batch
from payouts.models.batches import BatchItem as BatchItem
from payouts.models.batches import BatchPayment as BatchPayment
from payouts.models.rules import MemoType as MemoType
from payouts.models.rules import PayoutPolicy as PayoutPolicy
from payouts.models.rules import SavedDestination as SavedDestination
from payouts.models.withdrawals import Withdrawal as Withdrawal
from payouts.models.withdrawals import WithdrawalAttempt as WithdrawalAttempt
