"""`manage.py catch_up`: after a backup was restored, take in what the chain has done since."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.chain.submission import Submission
from offerhub.chain.types import ChainUnavailable
from offerhub.claims.claiming import DRIVER as CLAIMS
from offerhub.claims.models import Claim
from offerhub.deposits.monitor import Halted
from offerhub.reconciliation import recovery
from offerhub.suspense.models import Clearance
from offerhub.suspense.payment import DRIVER as CLEARANCES
from offerhub.wallets.driver import DRIVER as WALLETS
from offerhub.wallets.models import WalletOperation
from orders.escrow import DRIVER as CALLS
from orders.models import EscrowOperation, Reimbursement
from orders.reimbursements.payment import DRIVER as REIMBURSEMENTS
from payouts.batch_payment import DRIVER as BATCHES
from payouts.models import BatchPayment, WithdrawalAttempt
from payouts.payment import DRIVER as PAYMENTS

DRIVERS: dict[type[Submission], Any] = {
    EscrowOperation: CALLS,
    Reimbursement: REIMBURSEMENTS,
    WithdrawalAttempt: PAYMENTS,
    BatchPayment: BATCHES,
    WalletOperation: WALLETS,
    Clearance: CLEARANCES,
    Claim: CLAIMS,
}


class Command(BaseCommand):
    help = (
        "After a backup was restored, and before anything else runs: book the deposits, contract "
        "calls and payments that the chain has and the database lacks. Nothing is sent to the "
        "network. What has no place in the database is named, with what to do about it.\n"
        "It may be broken off and run again. Exit status 0: everything has its place. 1: something "
        "is left.\n"
        "Example: python manage.py catch_up --workers-are-stopped && python manage.py verify"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--workers-are-stopped",
            action="store_true",
            help="say so: a worker would send again what it does not know to be sent",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["workers_are_stopped"]:
            raise CommandError(
                "Stop every worker, monitor and web process first, then say "
                "--workers-are-stopped: one that runs could pay a second time."
            )
        left = 0
        try:
            for taken in recovery.catch_up(DRIVERS):
                left += not taken.done
                mark = "done" if taken.done else "LEFT"
                self.stdout.write(f"{mark}  ledger {taken.ledger}  {taken.hash}  {taken.what}")
                self.stdout.write(f"      {taken.outcome}")
        except (ChainUnavailable, Halted) as error:
            raise CommandError(f"{error}. Run it again.", returncode=2) from None
        self.stdout.write(f"{left} transactions have no place" if left else "Nothing is left.")
        if left:
            sys.exit(1)
