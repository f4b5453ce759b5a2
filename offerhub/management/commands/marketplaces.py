"""`manage.py marketplaces`: the tenants of this installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.core.actor import system
from offerhub.core.db import in_transaction
from offerhub.core.errors import Refusal
from offerhub.marketplaces import services
from offerhub.marketplaces.models import Marketplace
from offerhub.users import services as users

ACTOR = system("command")


@in_transaction
def _make(name: str, fee_percent: int) -> Marketplace:
    made = services.create_marketplace(name=name, platform_fee_percent=fee_percent, actor=ACTOR)
    users.make_own_wallets(marketplace_id=made.id)
    return made


class Command(BaseCommand):
    help = (
        "Make a marketplace, or list them. Its own wallets are made with it; workers bring them to "
        "life. Then make it a key with `manage.py keys`.\n"
        'Example: python manage.py marketplaces create "Handmade" --fee-percent 5'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", required=True)
        create = calls.add_parser("create", help="make one; prints its id")
        create.add_argument("name")
        create.add_argument(
            "--fee-percent", type=int, default=0, help="of what leaves a contract (default 0)"
        )
        calls.add_parser("list", help="show them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["call"] == "create":
            try:
                made = _make(options["name"], options["fee_percent"])
            except Refusal as refusal:
                raise CommandError(refusal.detail) from None
            self.stdout.write(made.id)
            return
        for row in Marketplace.objects.order_by("name", "id"):
            self.stdout.write(f"{row.id}  {row.platform_fee_percent:2} %  {row.name}")
