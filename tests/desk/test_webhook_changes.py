"""Webhook endpoints made, changed and ended at the desk; their secrets are shown once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.serializers import serialize
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.audit.models import StaffAction
from offerhub.core import sessions
from offerhub.events import catalog, endpoints
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint, WebhookSecret
from offerhub.marketplaces.models import Marketplace
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.world import ACTOR

pytestmark = pytest.mark.django_db
NEW = "/admin/webhooks/new/"
URL = "https://example.com/hooks"


def endpoint(market: Marketplace, *types: str) -> WebhookEndpoint:
    return endpoints.create_endpoint(
        marketplace_id=market.pk, url=URL, types=types, actor=ACTOR
    ).endpoint


def hidden(client: Client, address: str, name: str) -> str:
    """The value of a field that a form brings along."""
    page = client.get(address).content.decode()
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def secret_on(answer: Any) -> str:
    found = re.search(r'id="secret"[^>]* value="([^"]+)"', answer.content.decode())
    assert found is not None, answer.content.decode()
    return found[1]


def audit() -> list[tuple[str, str, str]]:
    rows = StaffAction.objects.order_by("position")
    return list(rows.values_list("action", "subject", "marketplace"))


def nowhere(secret: str, client: Client, endpoint_id: str) -> None:
    """It is under its seal, and in no page, row, event or session."""
    addresses = ["/admin/webhooks/", f"/admin/webhook/{endpoint_id}/"]
    addresses += [f"/admin/webhook/{endpoint_id}/{name}/" for name in ("edit", "secret", "delete")]
    event = Event.objects.filter(subject=endpoint_id).latest("position")
    pages = [client.get(address) for address in (*addresses, f"/admin/event/{event.id}/")]
    assert {page.status_code for page in pages} == {200}
    texts = [page.content.decode() for page in pages]
    texts += [serialize("json", model.objects.all()) for model in (StaffAction, Event)]
    texts += [str(dict(client.session)), serialize("json", WebhookSecret.objects.all())]
    core = secret.removeprefix("whsec_").rstrip("=")
    assert [text for text in texts if core[:20] in text] == []


def test_an_endpoint_is_made_and_its_secret_shown_once(desk: SignIn, caplog: Any) -> None:
    market, client = rows.market(), desk("operations")
    assert f'href="{NEW}?of={market.pk}"' in client.get(f"/admin/webhooks/?of={market.pk}").text
    page = client.get(f"{NEW}?of={market.pk}").text
    assert f'<option value="{market.pk}" selected>' in page
    assert page.count('name="types"') == len(catalog.catalogue()) + len(catalog.areas())
    form = {
        "id": hidden(client, NEW, "id"),
        "marketplace": market.pk,
        "url": f" {URL} ",
        "description": "Web shop",
        "hears": "chosen",
        "types": ["user.created", "order.*"],
    }
    answer = client.post(NEW, form)
    secret = secret_on(answer)
    made = WebhookEndpoint.objects.get()
    assert (made.pk, made.marketplace_id, made.url) == (form["id"], market.pk, URL)
    assert (made.types, made.description) == (["order.*", "user.created"], "Web shop")
    assert secret == endpoints.reveal(WebhookSecret.objects.get(endpoint=made))
    assert "no-store" in answer.headers["Cache-Control"]
    assert audit() == [("webhook.created", made.pk, market.pk)]
    assert StaffAction.objects.get().after == {
        "url": URL,
        "types": ["order.*", "user.created"],
        "description": "Web shop",
    }
    again = client.post(NEW, form, follow=True)  # the browser's reload of that page
    assert again.redirect_chain == [(f"/admin/webhook/{made.pk}/", 302)]
    assert "made already" in again.text and "whsec_" not in again.text
    assert WebhookEndpoint.objects.count() == WebhookSecret.objects.count() == len(audit()) == 1
    nowhere(secret, client, made.pk)
    assert secret[6:26] not in caplog.text


@pytest.mark.parametrize(
    ("wrong", "status", "text"),
    [
        ({"url": "http://example.com/"}, 400, "url must begin with https://"),
        ({"url": "https://10.0.0.1/"}, 400, "not a public address"),
        ({"url": "https://me:word@example.com/"}, 400, "url "),
        ({"url": ""}, 422, "This field is required."),
        ({"description": "a\u202eb"}, 400, "description must not hold control characters"),
        ({"hears": "chosen"}, 422, "Tick at least one, or choose every event."),
        ({"hears": "chosen", "types": ["lunch.*"]}, 422, "lunch.* is not one of the available"),
        ({"hears": ""}, 422, "This field is required."),
        ({"marketplace": "mkt_none"}, 422, "not one of the available choices"),
        ({"id": "ord_1"}, 422, "Enter a valid value."),
    ],
)
def test_what_the_api_refuses_the_desk_refuses_at_the_field(
    desk: SignIn, wrong: dict[str, Any], status: int, text: str
) -> None:
    market, client = rows.market(), desk("operations")
    form = {"id": f"whk_{'0' * 26}", "marketplace": market.pk, "url": URL, "hears": "every"}
    refused = client.post(NEW, form | {"description": "Kept"} | wrong)
    assert (refused.status_code, text in refused.text) == (status, True)
    (field,) = wrong if len(wrong) == 1 and "hears" not in wrong else (None,)
    if field:
        assert f'id="id_{field}_error"' in refused.text
        assert 'value="Kept"' in refused.text or field == "description"
    assert "whsec_" not in refused.text
    assert not WebhookEndpoint.objects.exists()
    assert audit() == []


def test_a_change_is_by_who_saw_what_is_there(desk: SignIn) -> None:
    market, client = rows.market(), desk("operations")
    made = endpoint(market, "order.*", "dispute.opened")
    address = f"/admin/webhook/{made.pk}/edit/"
    page = client.get(address).text
    ticked = re.findall(r'name="types" value="([^"]+)" checked', page)
    assert sorted(ticked) == ["dispute.opened", "order.*"]
    form = {"version": hidden(client, address, "version"), "url": f"{URL}/2", "hears": "every"}
    endpoints.update_endpoint(
        marketplace_id=market.pk,
        endpoint_id=made.pk,
        changes={"description": "By API"},
        actor=ACTOR,
    )
    stale = client.post(address, form)
    assert stale.status_code == 409
    assert "changed since you looked at it" in stale.text and "By API" in stale.text
    assert f'value="{URL}/2"' in stale.text
    now = WebhookEndpoint.objects.get()
    assert (now.url, now.description, audit()) == (URL, "By API", [])
    found = re.search(r'name="version" value="(\d+)"', stale.text)
    assert found is not None
    saved = client.post(address, form | {"version": found[1], "description": "Ours"})
    assert saved.headers["Location"] == f"/admin/webhook/{made.pk}/"
    now = WebhookEndpoint.objects.get()
    assert (now.url, now.types, now.description) == (f"{URL}/2", [], "Ours")
    row = StaffAction.objects.get()
    assert (row.action, row.subject, row.marketplace) == ("webhook.updated", made.pk, market.pk)
    assert row.before == {
        "url": URL,
        "types": ["dispute.opened", "order.*"],
        "description": "By API",
    }
    assert row.after == {"url": f"{URL}/2", "types": [], "description": "Ours"}
    assert len(WebhookSecret.objects.all()) == 1


def test_a_secret_is_rotated_with_its_overlap_and_a_reload_ends_no_other(desk: SignIn) -> None:
    market, client = rows.market(), desk("operations")
    made = endpoint(market)
    address = f"/admin/webhook/{made.pk}/secret/"
    (old,) = WebhookSecret.objects.all()
    page = client.get(address).text
    assert 'name="overlap" value="24"' in page and "An older secret" not in page
    assert WebhookSecret.objects.count() == 1  # looking makes none
    form = {"version": hidden(client, address, "version"), "overlap": "48"}
    answer = client.post(address, form)
    secret = secret_on(answer)
    new = WebhookSecret.objects.exclude(pk=old.pk).get()
    old.refresh_from_db()
    assert old.expires_at is not None
    assert (
        timedelta(0) <= old.expires_at - new.created_at - timedelta(hours=48) < timedelta(hours=1)
    )
    assert secret == endpoints.reveal(new) != endpoints.reveal(old)
    assert "The old one signs as well until" in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    reloaded = client.post(address, form)
    assert reloaded.status_code == 409
    assert "changed since you looked at it" in reloaded.text
    assert "An older secret signs as well until" in reloaded.text
    assert "whsec_" not in reloaded.text
    assert set(WebhookSecret.objects.values_list("pk", flat=True)) == {old.pk, new.pk}
    for overlap in ("169", "-1", "", "a day"):
        fresh = {"version": hidden(client, address, "version"), "overlap": overlap}
        assert client.post(address, fresh).status_code == 422
    assert WebhookSecret.objects.count() == 2
    assert audit() == [("webhook.secret_rotated", made.pk, market.pk)]
    assert list(StaffAction.objects.get().after) == ["overlapUntil"]
    nowhere(secret, client, made.pk)


def test_an_endpoint_is_deleted_after_a_look_at_what_is_lost(desk: SignIn) -> None:
    market, client = rows.market(), desk("operations")
    made = endpoint(market)
    event = Event.objects.filter(marketplace=market.pk).latest("position")
    WebhookDelivery.objects.create(endpoint=made, event=event, subject=made.pk, number=1)
    address = f"/admin/webhook/{made.pk}/delete/"
    assert "1 delivery waits to be sent" in client.get(address).text
    assert WebhookEndpoint.objects.get().status == "ENABLED"
    form = {"version": hidden(client, address, "version")}
    assert client.post(address, {"version": "0"}).status_code == 409
    assert client.post(address).status_code == 422
    assert WebhookEndpoint.objects.get().status == "ENABLED" and audit() == []
    assert client.post(address, form).headers["Location"] == "/admin/webhooks/"
    assert WebhookEndpoint.objects.get().status == "DELETED"
    assert not WebhookSecret.objects.exists()
    assert WebhookDelivery.objects.get().status == "CANCELLED"
    assert client.post(address, form).status_code == 404
    for name in ("edit", "secret", "delete"):
        assert client.get(f"/admin/webhook/{made.pk}/{name}/").status_code == 404
    assert f"/admin/webhook/{made.pk}/edit/" not in client.get(f"/admin/webhook/{made.pk}/").text
    assert audit() == [("webhook.deleted", made.pk, market.pk)]


def test_nobody_else_looks_or_acts(desk: SignIn) -> None:
    made = endpoint(rows.market())
    addresses = [NEW, *(f"/admin/webhook/{made.pk}/{n}/" for n in ("edit", "secret", "delete"))]
    for role in ("support", "senior_support", "finance", "read_only"):
        client = desk(role)
        assert NEW not in client.get("/admin/webhooks/").text
        assert "/edit/" not in client.get(f"/admin/webhook/{made.pk}/").text
        for address in addresses:
            assert client.get(address).status_code == client.post(address).status_code == 403
    assert WebhookSecret.objects.count() == 1
    assert audit() == []


def test_a_code_is_asked_for_and_the_form_goes_on_with_it(desk: SignIn, settings: Any) -> None:
    market, client = rows.market(), desk("operations")
    device = TOTPDevice.objects.get()
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    settings.STAFF_CODE_OPTIONAL = False
    types = ["order.*", "user.created"]
    form = {"id": hidden(client, NEW, "id"), "marketplace": market.pk, "url": URL}
    asked = client.post(NEW, form | {"hears": "chosen", "types": types})
    assert asked.status_code == 403
    assert "whsec_" not in asked.text
    assert not WebhookEndpoint.objects.exists() and audit() == []
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.text):
        sent.setdefault(name, []).append(value)
    code = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token()
    secret_on(client.post(NEW, sent | {sessions.CODE_FIELD: f"{code:06d}"}))
    assert WebhookEndpoint.objects.get().types == types
