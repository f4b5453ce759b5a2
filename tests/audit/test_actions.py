"""Every action at the desk leaves one row of the audit, what is refused leaves none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from offerhub.audit.models import StaffAction
from offerhub.core.actor import system
from offerhub.marketplaces import services, staff
from offerhub.marketplaces.models import StaffUser
from tests.admin.routes import routes

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
Post = Callable[[], tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


@pytest.fixture
def root() -> Client:
    staff.create_staff(username="root", password=PASSWORD, is_superuser=True)
    client = Client()
    user = StaffUser.objects.get(username="root")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def shop() -> str:
    return services.create_marketplace(name="Shop", actor=system("test")).id


def key() -> str:
    made = services.create_api_key(
        marketplace_id=shop(), name="web", scopes=[], actor=system("test")
    )
    return made.key.id


def ada() -> StaffUser:
    return staff.create_staff(username="ada", password=PASSWORD, roles=["support"]).user


# Route, what is posted to which row, and the audit's word for it.
ACTIONS: dict[str, tuple[Callable[[], list[Any]], Callable[[], dict[str, Any]], str]] = {
    "marketplaces_apikey_add": (
        list,
        lambda: {"marketplace": shop(), "name": "new", "scopes": ["users:read"]},
        "api_key.created",
    ),
    "marketplaces_apikey_rotate": (lambda: [key()], lambda: {"hours": 1}, "api_key.rotated"),
    "marketplaces_apikey_revoke": (lambda: [key()], dict, "api_key.revoked"),
    "marketplaces_staffuser_add": (
        list,
        lambda: {"username": "bob", "password": PASSWORD, "roles": ["finance"]},
        "staff.created",
    ),
    "marketplaces_staffuser_change_roles": (
        lambda: [ada().pk],
        lambda: {"roles": ["finance"], "is_active": "on"},
        "staff.roles_changed",
    ),
    "marketplaces_staffuser_replace_device": (lambda: [ada().pk], dict, "staff.device_replaced"),
}


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_each_action_leaves_exactly_one_row(root: Client, name: str) -> None:
    row, body, action = ACTIONS[name]
    address, form = reverse(f"admin:{name}", args=row()), body()
    assert root.get(address).status_code == 200
    assert StaffAction.objects.count() == 0
    answer = root.post(address, form, headers={"X-Request-Id": "my-request"})
    assert answer.status_code in (200, 302)
    [written] = StaffAction.objects.all()
    me = StaffUser.objects.get(username="root")
    assert (written.action, written.actor) == (action, f"staff:{me.public_id}")
    assert (written.username, written.address) == ("root", "127.0.0.1")
    assert written.request_id == "my-request" and len(written.session) == 12
    assert written.subject and written.session != (root.session.session_key or "")[:12]


def test_what_was_and_what_is_stand_in_the_row(root: Client) -> None:
    person = ada()
    address = reverse("admin:marketplaces_staffuser_change_roles", args=[person.pk])
    root.post(address, {"roles": ["finance", "operations"]})
    [row] = StaffAction.objects.all()
    assert row.subject == person.public_id
    assert row.before == {"username": "ada", "roles": ["support"], "isActive": True}
    assert row.after == {"username": "ada", "roles": ["finance", "operations"], "isActive": False}


def test_no_secret_stands_in_any_row(root: Client) -> None:
    secrets: list[str] = [PASSWORD]
    for name, (row, body, _) in sorted(ACTIONS.items()):
        StaffUser.objects.filter(username__in=["ada", "bob"]).delete()
        answer = root.post(reverse(f"admin:{name}", args=row()), body())
        if b'id="secret"' in answer.content:
            secrets.append(answer.context["secret"])
    assert len(secrets) == 5
    everything = str(list(StaffAction.objects.values()))
    assert StaffAction.objects.count() == len(ACTIONS)
    assert not [secret for secret in secrets if secret in everything]


def test_no_other_page_leaves_a_row_for_a_post_that_is_refused(root: Client) -> None:
    others = [route for route in routes() if route.name not in ACTIONS]
    assert len(others) > 80
    for route in others:
        root.post(route.address, {})
        assert StaffAction.objects.count() == 0, route


def test_a_refused_change_leaves_no_row(root: Client) -> None:
    ada()
    form = {"username": "ada", "password": PASSWORD}
    assert b"taken" in root.post(reverse("admin:marketplaces_staffuser_add"), form).content
    assert StaffAction.objects.count() == 0


def sign_in(client: Client, name: str, password: str = PASSWORD) -> Any:
    form = {"username": name, "password": password, "otp_token": "", "next": "/admin/"}
    return client.post("/admin/login/", form)


def rows() -> list[tuple[str, str, str]]:
    found = StaffAction.objects.order_by("position")
    return list(found.values_list("action", "username", "actor"))


def test_coming_and_going_are_written(client: Client) -> None:
    me = f"staff:{ada().public_id}"
    client.get("/admin/login/")
    sign_in(client, "ada", "not the password")
    assert sign_in(client, "ada").status_code == 302
    client.get("/admin/")
    new = {"old_password": PASSWORD, "new_password1": PASSWORD * 2, "new_password2": PASSWORD * 2}
    client.post("/admin/password_change/", {**new, "old_password": "wrong"})
    assert client.post("/admin/password_change/", new).status_code == 302
    client.post("/admin/logout/")
    client.post("/admin/logout/")
    assert rows() == [
        ("sign_in.refused", "ada", ""),
        ("sign_in.done", "ada", me),
        ("staff.password_changed", "ada", me),
        ("sign_in.ended", "ada", me),
    ]


def test_a_lock_out_is_written_once(client: Client) -> None:
    ada()
    for _ in range(8):
        sign_in(client, "ada", "not the password")
    assert [row[0] for row in rows()] == ["sign_in.refused"] * 4 + ["sign_in.locked_out"]


def test_a_password_in_the_wrong_field_is_not_kept(client: Client) -> None:
    sign_in(client, PASSWORD)
    sign_in(client, "nul\x00nul")
    assert [row[1] for row in rows()] == ["(nobody of that name)"] * 2


def test_the_chain_is_verified_on_its_page(root: Client) -> None:
    root.post(reverse("admin:marketplaces_apikey_revoke", args=[key()]))
    [row] = StaffAction.objects.all()
    page = reverse("admin:audit_chain")
    shown = root.get(page).content.decode()
    assert row.digest in shown and "The chain holds" not in shown
    assert "The chain holds" in root.post(page).content.decode()
    heads = root.get(reverse("admin:audit_heads"))
    assert heads.content.decode().split()[1:] == [str(row.position), row.digest]
    listed = root.get(reverse("admin:audit_staffaction_changelist"), {"q": row.subject})
    assert "api_key.revoked" in listed.content.decode()
    assert StaffAction.objects.count() == 1
