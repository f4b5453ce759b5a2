"""`manage.py rotate_keys`: put the wallets' and webhooks' secrets under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand

from offerhub.chain import keys
from offerhub.events.models import WebhookSecret
from offerhub.users.models import Wallet

EVERY = 1000  # secrets between two lines of progress


class Command(BaseCommand):
    help = (
        "Seal every secret of wallets and webhooks anew under the first of "
        "OFFERHUB_KEY_ENCRYPTION_KEYS, while everything runs. Name the new key first and keep the "
        "old one behind it; when this command says that none is left, restart without the old one. "
        "It may be broken off and run again.\n"
        "Example: python manage.py rotate_keys"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self._rotate(WebhookSecret.objects.all(), "webhook secrets")
        self._rotate(Wallet.objects.exclude(sealed_secret=None), "wallets")

    def _rotate(self, rows: Any, name: str) -> None:
        done = 0
        for row, sealed, key_id in keys.rotate(rows.order_by("pk").iterator(chunk_size=EVERY)):
            # Under the key that was read: two runs at once do no harm.
            same = rows.filter(pk=row.id, sealed_by=row.sealed_by)
            done += same.update(sealed_secret=sealed, sealed_by=key_id)
            if done and done % EVERY == 0:
                self.stdout.write(f"{done} {name} sealed anew")
        self.stdout.write(f"{done} {name} sealed anew, none is left under an older key")
