"""`manage.py keys`: the API keys of marketplaces."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from offerhub.core.actor import system
from offerhub.core.clock import now
from offerhub.management.calls import CallsCommand, duration, names
from offerhub.marketplaces import services
from offerhub.marketplaces.models import ApiKey, Marketplace
from offerhub.marketplaces.scopes import ALL
from offerhub.marketplaces.services import NewKey

ACTOR = system("command")


class Command(CallsCommand):
    help = (
        "Make, list, end and replace API keys. A whole key is printed once, on standard output, "
        "and kept nowhere.\n"
        "Examples:\n"
        "  python manage.py keys create mkt_… --name server --scopes orders:read,orders:write\n"
        "  python manage.py keys list mkt_…\n"
        "  python manage.py keys rotate key_… --overlap PT24H\n"
        "  python manage.py keys revoke key_…"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", required=True)
        create = calls.add_parser("create", help="make a key")
        create.add_argument("marketplace", help="mkt_…, see `manage.py marketplaces list`")
        create.add_argument("--name", required=True, help="what it is for")
        create.add_argument("--scopes", required=True, help="separated by commas, or `all`")
        create.add_argument("--expires-in", help="ISO 8601, such as P90D; without it never")
        lists = calls.add_parser("list", help="show the keys of a marketplace")
        lists.add_argument("marketplace")
        rotate = calls.add_parser("rotate", help="make a new key like an old one, which then ends")
        rotate.add_argument("key", help="key_…")
        rotate.add_argument("--overlap", default="PT24H", help="how long both work (default PT24H)")
        revoke = calls.add_parser("revoke", help="end a key at once")
        revoke.add_argument("key", help="key_…")

    def _create(self, options: dict[str, Any]) -> None:
        named = options["scopes"].strip()
        length = options["expires_in"]
        made = services.create_api_key(
            marketplace_id=options["marketplace"],
            name=options["name"],
            scopes=ALL if named == "all" else names(named),
            expires_at=now() + duration(length) if length else None,
            actor=ACTOR,
        )
        self._show_once(made)

    def _list(self, options: dict[str, Any]) -> None:
        if not Marketplace.objects.filter(pk=options["marketplace"]).exists():
            raise CommandError(f"There is no marketplace {options['marketplace']}")
        moment = now()
        for key in ApiKey.objects.filter(marketplace=options["marketplace"]).order_by("-id"):
            self.stdout.write(f"{key.id}  {_state(key, moment):8}  {key.prefix}  {key.name}")
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            self.stdout.write(f"    used {used}; {', '.join(key.scopes)}")

    def _rotate(self, options: dict[str, Any]) -> None:
        overlap = duration(options["overlap"])
        self._show_once(
            services.rotate_api_key(key_id=options["key"], overlap=overlap, actor=ACTOR)
        )

    def _revoke(self, options: dict[str, Any]) -> None:
        key = services.revoke_api_key(key_id=options["key"], actor=ACTOR)
        self.stdout.write(f"{key.id} is revoked.")

    def _show_once(self, made: NewKey) -> None:
        self.stderr.write(f"{made.key.id} ({made.key.name}); it can not be shown again:")
        self.stdout.write(made.token)


def _state(key: ApiKey, moment: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "usable" if key.is_usable(moment) else "expired"
