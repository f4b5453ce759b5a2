"""Webhooks and the event log at the desk."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from offerhub.audit.models import StaffAction
from offerhub.events import endpoints, log
from offerhub.events.models import Event, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import Marketplace
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements
from tests.world import ACTOR

pytestmark = pytest.mark.django_db
SAID = "<b>the shop's own words</b>"


def endpoint(market: Marketplace, url: str = "https://example.com/hooks") -> WebhookEndpoint:
    return endpoints.create_endpoint(marketplace_id=market.pk, url=url, actor=ACTOR).endpoint


def failed(market: Marketplace) -> WebhookDelivery:
    """A delivery to a fresh endpoint that was tried ten times in vain."""
    made = endpoint(market)
    log.number_new()
    row = WebhookDelivery.objects.filter(endpoint=made).order_by("number")[0]
    WebhookDelivery.objects.filter(pk=row.pk).update(
        status="FAILED", tries=10, attempts=10, answered=500, problem="not_accepted"
    )
    WebhookAttempt.objects.create(
        delivery=row,
        number=10,
        at=timezone.now() - timedelta(hours=1),
        answered=500,
        problem="not_accepted",
        detail="answered 500",
        milliseconds=41,
        answer=SAID,
    )
    return row


def test_an_endpoint_shows_how_it_has_been_answering(desk: SignIn) -> None:
    market = rows.market()
    made = endpoint(market)
    since = timezone.now() - timedelta(hours=5)
    WebhookEndpoint.objects.filter(pk=made.pk).update(failures=12, failing_since=since)
    other = endpoint(rows.market("Other"), "https://other.example.com/")
    client = desk("support")
    page = client.get("/admin/webhooks/").content.decode()
    assert "12 failures in a row" in page
    assert "5 h ago" in page
    assert other.url in page
    mine = client.get(f"/admin/webhooks/?of={market.pk}").content.decode()
    assert made.url in mine
    assert other.url not in mine


def test_deliveries_are_filtered_and_each_shows_its_tries_and_the_answer_as_text(
    desk: SignIn,
) -> None:
    row = failed(rows.market())
    client = desk("support")
    path = f"/admin/webhook/{row.endpoint_id}/"
    assert row.pk in client.get(path + "?status=FAILED").content.decode()
    assert row.pk not in client.get(path + "?status=DELIVERED").content.decode()
    assert row.pk in client.get(f"{path}?subject={row.subject}").content.decode()
    assert row.pk not in client.get(path + "?subject=ord_other").content.decode()
    page = client.get(f"/admin/webhook-delivery/{row.pk}/").content.decode()
    assert "It did not accept (500)" in page
    assert "41 ms" in page
    assert "&lt;b&gt;the shop" in page
    assert SAID not in page
    assert "Send again" not in page  # support may look
    assert client.get("/admin/webhook-delivery/whd_none/").status_code == 404


def test_operations_staff_send_again_and_it_is_in_the_audit(desk: SignIn) -> None:
    row = failed(rows.market())
    path = f"/admin/webhook-delivery/{row.pk}/"
    for role in ("support", "senior_support", "finance", "read_only"):
        assert desk(role).post(path).status_code == 403
    assert StaffAction.objects.count() == 0
    client = desk("operations")
    assert "Send again" in client.get(path).content.decode()
    assert client.post(path).status_code == 302
    again = WebhookDelivery.objects.get(pk=row.pk)
    assert (again.status, again.tries, again.attempts) == ("PENDING", 0, 10)
    assert [(each.action, each.subject) for each in StaffAction.objects.all()] == [
        ("webhook.redelivered", row.pk)
    ]


def test_operations_staff_test_switch_and_send_again_what_was_missed(desk: SignIn) -> None:
    row = failed(rows.market())
    path = f"/admin/webhook/{row.endpoint_id}/"
    assert "What you can do" not in desk("support").get(path).content.decode()
    assert desk("support").post(path, {"do": "off"}).status_code == 403
    client = desk("operations")
    assert "1 delivery was" in client.get(path).content.decode()
    for do in ("missed", "test", "off"):
        assert client.post(path, {"do": do}).status_code == 302
    made = WebhookEndpoint.objects.get(pk=row.endpoint_id)
    assert (made.status, made.reason) == ("DISABLED", "REQUESTED")
    sent = WebhookDelivery.objects.filter(endpoint=made).order_by("number")
    assert {each.status for each in sent} == {"CANCELLED"}  # sent again, until it was off
    assert [each.event.type for each in sent][-1] == "webhook_endpoint.tested"
    refused = client.post(path, {"do": "test"})
    assert (refused.status_code, "The endpoint is disabled" in refused.content.decode()) == (
        409,
        True,
    )
    assert "Choose what to do" in client.post(path, {"do": "dance"}).content.decode()
    assert client.post(path, {"do": "on"}).status_code == 302
    assert f"{len(sent)} deliveries were" in client.get(path).content.decode()
    actions = StaffAction.objects.order_by("pk").values_list("action", "subject")
    assert list(actions) == [
        (f"webhook.{done}", made.pk)
        for done in ("missed_redelivered", "tested", "disabled", "enabled")
    ]


def test_nothing_is_sent_to_an_endpoint_that_is_off(desk: SignIn) -> None:
    row = failed(rows.market())
    WebhookEndpoint.objects.filter(pk=row.endpoint_id).update(status="DISABLED", reason="GONE")
    client = desk("operations")
    page = client.get(f"/admin/webhook-delivery/{row.pk}/").content.decode()
    assert "The endpoint is not in use" in page
    refused = client.post(f"/admin/webhook-delivery/{row.pk}/")
    assert refused.status_code == 409
    assert "The endpoint is disabled" in refused.content.decode()
    assert WebhookDelivery.objects.get(pk=row.pk).status == "FAILED"
    assert StaffAction.objects.count() == 0
    assert "It answered 410" in client.get("/admin/webhooks/").content.decode()


def test_the_event_log_is_filtered_and_an_event_shows_what_consumers_see(desk: SignIn) -> None:
    market, other = rows.market(), rows.market("Other")
    key = marketplaces.create_api_key(
        marketplace_id=market.pk, name="k", scopes=["orders:read"], actor=ACTOR
    ).key
    made = endpoint(market)
    log.number_new()
    client = desk("read_only")
    path = f"/admin/event-log/?of={market.pk}"
    page = client.get(path).content.decode()
    assert key.pk in page
    assert other.pk not in page.split("<table>")[1]
    about = client.get(f"{path}&about=api_key").content.decode().split("<table>")[1]
    assert key.pk in about
    assert market.pk not in about
    assert key.pk in client.get(f"{path}&subject={key.pk}").content.decode()
    event = Event.objects.get(subject=made.pk)
    shown = client.get(f"/admin/event/{event.id}/").content.decode()
    assert "&quot;type&quot;: &quot;webhook_endpoint.created&quot;" in shown
    assert "https://example.com/hooks" in shown
    log.number_new()
    rotated = endpoints.rotate_secret(marketplace_id=market.pk, endpoint_id=made.pk, actor=ACTOR)
    event = Event.objects.get(subject=rotated.endpoint_id, type="webhook_endpoint.secret_rotated")
    shown = client.get(f"/admin/event/{event.id}/").content.decode()
    assert "until the time in <code>overlapUntil</code>." in shown
    assert client.get("/admin/event/evt_none/").status_code == 404


def test_lists_take_as_many_statements_for_many_as_for_one(desk: SignIn) -> None:
    market, client = rows.market(), desk("support")
    for address in ("/admin/webhooks/", "/admin/event-log/"):
        client.get(address)
        counts = []
        for number in (1, 6):
            for each in range(number):
                endpoint(market, f"https://example.com/{number}-{each}-{len(address)}")
            log.number_new()
            with Statements(connection) as seen:
                assert client.get(address).status_code == 200
            counts.append(len(seen))
        assert counts[0] == counts[1]
