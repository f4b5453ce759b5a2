"""`manage.py webhooks`: the webhook endpoints of marketplaces, and what was sent to them."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.events import deliveries, endpoints
from offerhub.events.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from offerhub.events.replaying import ENDED, REPLAYABLE, Wanted, replay
from offerhub.management.calls import CallsCommand, duration, names
from offerhub.marketplaces.models import Marketplace

ACTOR = system("command")
MOST_SHOWN = 1000
PATIENCE = 20  # seconds; an endpoint has 15 for its answer
LOOK = 0.1
LONGEST_DESCRIPTION = 200  # characters

Status = WebhookEndpoint.Status


class Command(CallsCommand):
    help = (
        "Make, list, test and change webhook endpoints, look at what was sent to them, and send it "
        "again. A secret is printed once, on standard output, and kept under seal.\n"
        "Examples:\n"
        "  python manage.py webhooks add mkt_… https://example.com/hooks --types order.*\n"
        "  python manage.py webhooks list mkt_…\n"
        "  python manage.py webhooks test whk_…\n"
        "  python manage.py webhooks rotate whk_… --overlap PT24H\n"
        "  python manage.py webhooks disable whk_…\n"
        "  python manage.py webhooks deliveries whk_… --status FAILED\n"
        "  python manage.py webhooks replay whd_…\n"
        "  python manage.py webhooks replay whk_… --since P2D   (what it did not take of two days)"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", required=True)
        lists = calls.add_parser("list", help="show the endpoints of a marketplace")
        lists.add_argument("marketplace", help="mkt_…, see `manage.py marketplaces list`")
        add = calls.add_parser("add", help="make an endpoint; prints its secret")
        add.add_argument("marketplace")
        add.add_argument("url", help="where events are posted to")
        add.add_argument("--types", help="such as order.*,dispute.opened; without it all")
        add.add_argument("--description", default="", help="for people")
        test = calls.add_parser("test", help="send a test event and show what is answered")
        test.add_argument("endpoint", help="whk_…")
        rotate = calls.add_parser("rotate", help="make a new secret; prints it")
        rotate.add_argument("endpoint")
        rotate.add_argument(
            "--overlap", default="PT24H", help="how long the old one signs too (default PT24H)"
        )
        disable = calls.add_parser("disable", help="send nothing more; what is due is lost")
        disable.add_argument("endpoint")
        enable = calls.add_parser("enable", help="send again, from now on")
        enable.add_argument("endpoint")
        shown = calls.add_parser("deliveries", help="show what was sent, newest first")
        shown.add_argument("endpoint")
        shown.add_argument("--status", choices=WebhookDelivery.Status.values)
        shown.add_argument("--subject", help="such as ord_…")
        shown.add_argument("--limit", type=int, default=20, help=f"1 to {MOST_SHOWN} (default 20)")
        again = calls.add_parser("replay", help="send a delivery again, or all that was missed")
        again.add_argument("what", help="whd_…, or whk_… for all that it did not take")
        again.add_argument("--since", default="P4D", help="with whk_…: how far back (default P4D)")
        again.add_argument("--types", help="with whk_…: such as order.*; without it all")
        again.add_argument(
            "--statuses",
            nargs="+",
            choices=REPLAYABLE,
            default=ENDED,
            help="with whk_…: PENDING waits for a later try (default FAILED CANCELLED)",
        )

    def _list(self, options: dict[str, Any]) -> None:
        _known(options["marketplace"])
        rows = WebhookEndpoint.objects.filter(marketplace=options["marketplace"])
        for row in rows.exclude(status=Status.DELETED).order_by("-pk"):
            self.stdout.write(f"{row.pk}  {row.status:8}  {row.url}")
            self.stdout.write(f"    {', '.join(row.types) or 'every type'}; {_health(row)}")
            if row.description:
                self.stdout.write(f"    {row.description}")

    def _add(self, options: dict[str, Any]) -> None:
        _known(options["marketplace"])
        if len(options["description"]) > LONGEST_DESCRIPTION:
            raise CommandError(f"--description must have at most {LONGEST_DESCRIPTION} characters")
        made = endpoints.create_endpoint(
            marketplace_id=options["marketplace"],
            url=options["url"],
            types=names(options["types"]) if options["types"] is not None else [],
            description=options["description"],
            actor=ACTOR,
        )
        self._show_once(made)

    def _test(self, options: dict[str, Any]) -> None:
        endpoint = options["endpoint"]
        row = endpoints.send_test(marketplace_id=None, endpoint_id=endpoint, actor=ACTOR)
        self._await(row)

    def _rotate(self, options: dict[str, Any]) -> None:
        new = endpoints.rotate_secret(
            marketplace_id=None,
            endpoint_id=options["endpoint"],
            overlap=duration(options["overlap"]),
            actor=ACTOR,
        )
        self._show_once(new)

    def _disable(self, options: dict[str, Any]) -> None:
        self._switch(options["endpoint"], Status.DISABLED)

    def _enable(self, options: dict[str, Any]) -> None:
        self._switch(options["endpoint"], Status.ENABLED)

    def _switch(self, endpoint: str, status: str) -> None:
        row = endpoints.update_endpoint(
            marketplace_id=None, endpoint_id=endpoint, changes={"status": status}, actor=ACTOR
        )
        self.stdout.write(f"{row.pk} is {row.status.lower()}.")

    def _deliveries(self, options: dict[str, Any]) -> None:
        if not 1 <= options["limit"] <= MOST_SHOWN:
            raise CommandError(f"--limit must be from 1 to {MOST_SHOWN}")
        if not WebhookEndpoint.objects.filter(pk=options["endpoint"]).exists():
            raise CommandError(f"There is no webhook endpoint {options['endpoint']}")
        wanted = {name: options[name] for name in ("status", "subject") if options[name]}
        rows = WebhookDelivery.objects.filter(endpoint=options["endpoint"], **wanted)
        for row in rows.select_related("event").order_by("-pk")[: options["limit"]]:
            event = row.event
            self.stdout.write(
                f"{row.pk}  {row.status:9}  {event.type} {row.subject}#{event.sequence}"
            )
            self.stdout.write(f"    {_tries(row)}; event {event.id}")

    def _replay(self, options: dict[str, Any]) -> None:
        what = options["what"]
        if what.startswith("whk_"):
            self._replay_missed(what, options)
            return
        row = WebhookDelivery.objects.filter(pk=what).first()
        if row is None:
            raise CommandError(f"There is no delivery {what}")
        self._await(
            deliveries.redeliver(
                marketplace_id=None, endpoint_id=row.endpoint_id, delivery_id=row.pk, actor=ACTOR
            )
        )

    def _replay_missed(self, endpoint: str, options: dict[str, Any]) -> None:
        wanted = Wanted(
            since=clock.now() - duration(options["since"]),
            statuses=options["statuses"],
            types=names(options["types"]) if options["types"] is not None else [],
        )
        count, more = 0, True
        while more:
            done = replay(marketplace_id=None, endpoint_id=endpoint, wanted=wanted, actor=ACTOR)
            count, more = count + done.count, done.has_more
        self.stdout.write(f"Sent again: {count}")

    def _await(self, row: WebhookDelivery) -> None:
        """Show what the endpoint answers to a delivery that is due now; an error when it is not
        taken."""
        before, deadline = row.attempts, time.monotonic() + PATIENCE
        while row.attempts == before and time.monotonic() < deadline:
            time.sleep(LOOK)
            row.refresh_from_db()
        last = row.tried.order_by("-number").first()
        if row.attempts == before or last is None:
            raise CommandError(
                f"{row.pk} was not sent within {PATIENCE} s: does `manage.py deliver` run, or does "
                "an earlier event of the same subject wait?"
            )
        said = f"answered {last.answered}" if last.answered else last.detail or last.problem
        text = f"{row.pk}: {said} after {last.milliseconds} ms"
        if last.problem:
            raise CommandError(f"{text}; it is tried again at {row.next_attempt_at:%H:%M:%S} UTC")
        self.stdout.write(text)

    def _show_once(self, secret: WebhookSecret) -> None:
        endpoint = secret.endpoint
        self.stderr.write(f"{endpoint.pk} ({endpoint.url}); it can not be shown again:")
        self.stdout.write(endpoints.reveal(secret))


def _known(marketplace: str) -> None:
    if not Marketplace.objects.filter(pk=marketplace).exists():
        raise CommandError(f"There is no marketplace {marketplace}")


def _health(row: WebhookEndpoint) -> str:
    if row.status == Status.DISABLED:
        return f"disabled: {row.reason.lower()}"
    if not row.failures:
        return "no failure since its last answer"
    since = f" since {row.failing_since:%Y-%m-%d %H:%M}" if row.failing_since else ""
    many = "failures" if row.failures > 1 else "failure"
    return f"{row.failures} {many} in a row{since}"


def _tries(row: WebhookDelivery) -> str:
    said = f"answered {row.answered}" if row.answered else row.problem or "not tried yet"
    text = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}; {said}"
    if row.status == WebhookDelivery.Status.PENDING:
        return f"{text}; due {row.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"
    return text
