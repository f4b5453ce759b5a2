"""Withdrawals in the back-office: everything is shown, nothing can be changed."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.payouts.scene import Scene


@pytest.fixture
def desk(scene: Scene) -> Client:
    """Somebody who may do everything that there is to do."""
    person = get_user_model().objects.create_superuser(username=scene.wallet.id, password="x" * 16)
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def test_lists_and_pages_show_a_withdrawal(scene: Scene, desk: Client) -> None:
    withdrawal = scene.ask()
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    for path, text in [
        ("withdrawal/", withdrawal),
        (f"withdrawal/?q={scene.destination}", withdrawal),
        (f"withdrawal/{withdrawal}/change/", "25.00"),
        ("withdrawalattempt/", attempt.id),
        (f"withdrawalattempt/{attempt.id}/change/", attempt.hash),
    ]:
        answer = desk.get(f"/admin/payouts/{path}")
        assert answer.status_code == 200, path
        assert text in answer.content.decode(), path


@pytest.mark.parametrize("action", ["change", "delete", "add"])
def test_nothing_can_be_changed(scene: Scene, desk: Client, action: str) -> None:
    withdrawal = scene.ask()
    path = "add/" if action == "add" else f"{withdrawal}/{action}/"
    answer = desk.post(f"/admin/payouts/withdrawal/{path}", {"amount": "1", "status": "FAILED"})
    assert answer.status_code == 403
    assert scene.row(withdrawal).status == "REQUESTED"
