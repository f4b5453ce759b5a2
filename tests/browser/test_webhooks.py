"""Somebody at the desk whose mouse bounces."""

from playwright.sync_api import expect

from offerhub.core.actor import system
from offerhub.events import endpoints
from offerhub.events.models import WebhookSecret
from tests.browser.conftest import People
from tests.events.conftest import Market


def test_a_double_click_makes_one_secret_and_shows_it(committed: None, person: People) -> None:
    made = endpoints.create_endpoint(
        marketplace_id=Market("Shop").id, url="http://127.0.0.1:9/", actor=system("test")
    ).endpoint
    desk = person("operations")
    desk.page.goto(f"/admin/webhook/{made.pk}/secret/")
    sent: list[str] = []
    desk.page.on("request", lambda asked: sent.append(asked.method))
    button = desk.page.get_by_role("button", name="Make a new secret")
    # While the first answer is on its way.
    button.evaluate("(it) => { it.click(); setTimeout(() => it.click(), 20) }")
    expect(desk.page.get_by_role("heading", name="Copy it now")).to_be_visible()
    assert sent.count("POST") == 1
    secrets = WebhookSecret.objects.filter(endpoint=made)
    shown = desk.page.get_by_label("Secret", exact=True).input_value()
    assert [endpoints.reveal(each) for each in secrets.order_by("created_at")][1:] == [shown]
