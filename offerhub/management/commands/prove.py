"""`manage.py prove`: make a proof of funds, or write one out."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.chain.types import ChainUnavailable
from offerhub.core.actor import system
from offerhub.core.errors import Refusal
from offerhub.marketplaces.models import Marketplace
from offerhub.reconciliation import funds, proofs
from offerhub.reconciliation.models import Proof


class Command(BaseCommand):
    help = (
        "Measure what a marketplace owes and what is held for it on the chain, sign it and keep "
        "it. --auditor writes the newest proof with every leaf to a file, for somebody who builds "
        "the tree anew.\n"
        "Example: python manage.py prove mkt_… --auditor proof.json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("marketplace", help="its id (mkt_…)")
        parser.add_argument("--auditor", type=Path, help="write the newest proof here, make none")

    def handle(self, *args: Any, **options: Any) -> None:
        market = options["marketplace"]
        if not Marketplace.objects.filter(pk=market).exists():
            raise CommandError(f"There is no marketplace {market}")
        if options["auditor"]:
            proof = Proof.objects.filter(marketplace=market).order_by("-pk").first()
            if proof is None:
                raise CommandError("There is no proof of this marketplace yet.")
            options["auditor"].write_text(json.dumps(proofs.for_auditor(proof), indent=1))
            self.stdout.write(f"{proof.pk} with {proof.leaves} leaves in {options['auditor']}")
            return
        try:
            proof = proofs.keep(funds=funds.measure(market), actor=system("prove"))
        except (ChainUnavailable, Refusal) as error:
            raise CommandError(str(error)) from None
        document = proof.document
        self.stdout.write(
            f"{proof.pk}: held {document['held']['total']} for owed {document['owed']['total']} "
            f"stroops, {proof.leaves} users, root {proof.root_hash}"
        )
