"""`manage.py events`: look at the log of events as it grows."""

import os
import sys
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from offerhub.events import bodies, catalog, following, log
from offerhub.events.models import Event
from offerhub.management.calls import CallsCommand, names
from offerhub.marketplaces.models import Marketplace


class Command(CallsCommand):
    help = (
        "Follow the log of a marketplace, or of all: one JSON object a line, as GET /events shows "
        "it, with its marketplace. From now on, or behind an event; Ctrl-C ends it.\n"
        "Examples:\n"
        "  python manage.py events tail\n"
        "  python manage.py events tail mkt_… --type order.*,dispute.opened\n"
        "  python manage.py events tail mkt_… --after evt_… --limit 100\n"
        "  python manage.py events tail --after 0 --subject ord_… | jq .type"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", required=True)
        tail = calls.add_parser("tail", help="show events as they happen")
        tail.add_argument("marketplace", nargs="?", help="mkt_…; without it every marketplace")
        tail.add_argument("--after", help="an event's id or cursor; 0 is the beginning")
        tail.add_argument("--type", help="such as order.*,dispute.opened; without it all")
        tail.add_argument("--subject", default="", help="such as ord_…")
        tail.add_argument("--limit", type=int, help="end after so many")

    def _tail(self, options: dict[str, Any]) -> None:
        types = names(options["type"]) if options["type"] is not None else []
        if unknown := catalog.unknown_in(types):
            raise CommandError(f"{unknown[0]!r} is no type of event")
        left = options["limit"]
        if left is not None and left < 1:
            raise CommandError("--limit must be at least 1")
        marketplace = options["marketplace"]
        if marketplace and not Marketplace.objects.filter(pk=marketplace).exists():
            raise CommandError(f"There is no marketplace {marketplace}")
        after = _place(marketplace, options["after"])
        wanted = following.new_events(
            marketplace, after=after, types=types, subject=options["subject"]
        )
        try:
            for event in wanted:
                self.stdout.write(_line(event))
                self.stdout.flush()
                if left is not None and (left := left - 1) == 0:
                    return
        except KeyboardInterrupt:
            return
        except BrokenPipeError:  # `| head` has seen enough; nor may the end write what is left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(event: Event) -> str:
    body = {"marketplace": event.marketplace_id, **bodies.event_body(event)}
    return orjson.dumps(body, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC).decode()


def _place(marketplace: str | None, after: str | None) -> int:
    if after is None:
        log.number_new()
        return log.end()
    number = log.place_named(marketplace, after)
    if number is None:
        raise CommandError(f"--after {after!r} is no event's id or cursor")
    return number
