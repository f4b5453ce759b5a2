"""`manage.py rotate_keys`: put the wallets' secrets under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand

from offerhub.chain import keys
from offerhub.users.models import Wallet

EVERY = 1000  # wallets between two lines of progress


class Command(BaseCommand):
    help = (
        "Seal every wallet's secret anew under the first of OFFERHUB_KEY_ENCRYPTION_KEYS, while "
        "everything runs. Name the new key first and keep the old one behind it; when this command "
        "says that no wallet is left, restart without the old one. It may be broken off and run "
        "again.\n"
        "Example: python manage.py rotate_keys"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        managed = Wallet.objects.exclude(sealed_secret=None).order_by("pk")
        for wallet, sealed, key_id in keys.rotate(managed.iterator(chunk_size=EVERY)):
            # Under the key that was read: two runs at once do no harm.
            same = Wallet.objects.filter(pk=wallet.id, sealed_by=wallet.sealed_by)
            done += same.update(sealed_secret=sealed, sealed_by=key_id)
            if done and done % EVERY == 0:
                self.stdout.write(f"{done} wallets sealed anew")
        self.stdout.write(f"{done} wallets sealed anew, none is left under an older key")
