"""The desk is safe: it shows every row to staff, changes none, and never shows a secret."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client, RequestFactory
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.marketplaces import staff
from offerhub.marketplaces.models import ApiKey, StaffUser
from offerhub.marketplaces.roles import Role
from offerhub.middleware import POLICY
from offerhub.users.models import Wallet
from orders.models import EscrowOperation, Order
from payouts.models import Withdrawal, WithdrawalAttempt
from tests.http import Api
from tests.payouts.scene import Scene
from tests.world import World

PASSWORD = "correct horse battery"
SIGN_IN = "/admin/login/"
PAGES: list[type[models.Model]] = sorted(admin.site._registry, key=lambda m: m._meta.label)
# What pages of their own may change, through services. Everything else is read-only for everybody.
KEPT_BY_PEOPLE = {ApiKey, StaffUser}


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


def person(*roles: str, superuser: bool = False) -> staff.NewStaff:
    name = f"p{uuid4().hex[:12]}"
    return staff.create_staff(username=name, password=PASSWORD, roles=roles, is_superuser=superuser)


def desk(*roles: str, superuser: bool = False) -> Client:
    """Somebody of these roles, signed in."""
    client = Client()
    user = person(*roles, superuser=superuser).user
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def address(model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


MARK = {"a": ["<b>"]}


def pages(*, rows: int = 1) -> Iterator[str]:
    """Every list of the desk, and the newest rows of each."""
    yield from ("/admin/", "/admin/password_change/")
    for model in PAGES:
        yield address(model, "changelist")
        for row in model._default_manager.order_by("-pk")[:rows]:
            yield address(model, "change", row.pk)


class Inline(HTMLParser):
    """Collects what the content security policy would not let run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [f"{tag} {n}" for n in names if n == "style" or n.startswith("on")]
        links = [value or "" for name, value in attrs if name in ("src", "href", "action")]
        self.found += [link for link in links if link.startswith(("javascript:", "http", "//"))]


def marked_order() -> Order:
    """The newest order with a stranger's text in it."""
    return Order.objects.filter(metadata=MARK).latest("pk")


class Shown:
    """The text of every page as the person who may see most sees it, drawn once."""

    texts: dict[str, str] = {}
    headers: dict[str, str] = {}

    @classmethod
    def draw(cls) -> None:
        client = desk(superuser=True)
        marked = address(Order, "change", marked_order().pk)
        for page in [*pages(rows=2), marked, "/admin/nothing/", SIGN_IN]:
            answer = client.get(page, follow=True)
            assert answer.status_code == (404 if "nothing" in page else 200), page
            cls.texts[page] = answer.content.decode()
            cls.headers[page] = answer.headers["Content-Security-Policy"]
        signing_in = Client().get(SIGN_IN)
        cls.texts["sign in"] = signing_in.content.decode()
        cls.headers["sign in"] = signing_in.headers["Content-Security-Policy"]


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> None:
    """A sale and a withdrawal, with all that belongs to them, in the database."""
    request.getfixturevalue("committed")
    if not Order.objects.filter(metadata=MARK).exists():
        world: World = request.getfixturevalue("world")
        api: Api = request.getfixturevalue("api")
        scene = Scene(world, api)
        scene.run(scene.ask("25"))
        world.user("bob")
        sale = {"buyerId": "ann", "sellerId": "bob", "amount": "50", "metadata": MARK}
        world.funded(api, sale)


@pytest.fixture
def shown(rows: None) -> type[Shown]:
    if not Shown.texts:
        Shown.draw()
    return Shown


@pytest.mark.parametrize("role", [*Role, "superuser", ""])
def test_no_role_may_change_a_row_of_money(committed: None, rf: RequestFactory, role: str) -> None:
    roles = [role] if role in set(Role) else []
    request = rf.get("/admin/")
    request.user = person(*roles, superuser=role == "superuser").user
    assert len(PAGES) > 15
    for model in set(PAGES) - KEPT_BY_PEOPLE:
        page = admin.site._registry[model]
        assert isinstance(page, ReadOnlyAdmin)
        assert not page.has_add_permission(request), model
        assert not page.has_change_permission(request), model
        assert not page.has_delete_permission(request), model
        assert not page.get_actions(request), model
        assert page.has_view_permission(request) == bool(role), model
        for rows in page.get_inline_instances(request):
            assert not rows.has_add_permission(request, None)
            assert not rows.has_change_permission(request)
            assert not rows.has_delete_permission(request)


def test_only_our_own_pages_are_there() -> None:
    ours = ("offerhub.", "ledger.", "orders.", "payouts.", "disputes.")
    assert all(model.__module__.startswith(ours) for model in PAGES)
    assert {Order, Withdrawal, Wallet, TOTPDevice} - set(PAGES) == {TOTPDevice}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_every_page_that_is_theirs(rows: None, role: str) -> None:
    client, nobody = desk(role), Client()
    hidden = {"marketplaces/staffuser"} | (
        set() if role == Role.OPERATIONS else {"marketplaces/apikey"}
    )
    for page in pages():
        expected = 403 if any(f"/{name}/" in page for name in hidden) else 200
        assert client.get(page).status_code == expected, page
        answer = nobody.get(page)
        assert answer.status_code == 302, page
        assert answer.headers["Location"].startswith(SIGN_IN), page


def test_staff_without_a_role_see_nothing(committed: None) -> None:
    client = desk()
    assert "You have no role yet" in client.get("/admin/").content.decode()
    assert all(client.get(address(model, "changelist")).status_code == 403 for model in PAGES)


@pytest.mark.parametrize("who", ["support", "operations", "superuser"])
def test_what_is_posted_to_a_row_is_refused(rows: None, who: str) -> None:
    client = desk(superuser=True) if who == "superuser" else desk(who)
    for model in set(PAGES) - KEPT_BY_PEOPLE:
        row = model._default_manager.order_by("-pk").first()
        pk = row.pk if row else "1"
        before = model._default_manager.filter(pk=pk).values().first()
        answers = [
            client.post(address(model, "add"), {"amount": "1"}),
            client.post(address(model, "change", pk), {"amount": "1", "status": "FAILED"}),
            client.post(address(model, "delete", pk), {"post": "yes"}),
        ]
        # Without a row Django says that it is not there, which changes as little.
        allowed = {403} if row else {403, 302}
        assert {answer.status_code for answer in answers} <= allowed, model
        act = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        client.post(address(model, "changelist"), act)
        assert model._default_manager.filter(pk=pk).values().first() == before


def test_each_page_has_the_strict_policy_and_keeps_it(shown: type[Shown]) -> None:
    assert "unsafe" not in POLICY and "default-src 'self'" in POLICY
    for page, text in shown.texts.items():
        assert shown.headers[page] == POLICY, page
        assert Inline(text).found == [], page


def test_each_page_says_that_this_is_play_money(shown: type[Shown]) -> None:
    for page, text in shown.texts.items():
        assert text.count('class="oh-bar"') == 1, page
        assert "Sandbox network" in text, page
        assert text.count("<h1") == 1, page


def test_text_of_strangers_is_shown_as_text(shown: type[Shown]) -> None:
    order = shown.texts[address(Order, "change", marked_order().pk)]
    assert "&lt;b&gt;" in order and '"<b>"' not in order


def test_secrets_are_on_no_page(shown: type[Shown]) -> None:
    everything = "\n".join(shown.texts.values())
    signed = [
        *EscrowOperation.objects.exclude(xdr="").values_list("xdr", flat=True),
        *WithdrawalAttempt.objects.exclude(xdr="").values_list("xdr", flat=True),
    ]
    assert signed and not [xdr for xdr in signed if xdr[:60] in everything]
    for row in Wallet.objects.exclude(sealed_secret=None):
        sealed = bytes(row.sealed_secret or b"")
        assert sealed.hex() not in everything and str(sealed) not in everything
    for key in ApiKey.objects.all():
        digest = bytes(key.digest)
        assert digest.hex() not in everything and str(digest) not in everything
    for hashed in StaffUser.objects.values_list("password", flat=True):
        assert hashed not in everything
    for device in TOTPDevice.objects.all():
        assert device.key not in everything
    assert "pbkdf2" not in everything and "sealed_secret" not in everything


def sign_in(client: Client, name: str, password: str = PASSWORD, code: str = "") -> Any:
    form = {"username": name, "password": password, "otp_token": code, "next": "/admin/"}
    return client.post(SIGN_IN, form)


def code_of(user: StaffUser, *, wrong: bool = False) -> str:
    device = TOTPDevice.objects.get(user=user)
    now = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token()
    return f"{(now + wrong) % 10**6:06d}"


def test_without_a_code_nobody_signs_in_where_it_counts(committed: None, settings: Any) -> None:
    settings.STAFF_CODE_OPTIONAL = False
    user = person("support").user
    client = Client()
    answer = sign_in(client, user.username)
    assert answer.status_code == 200 and "Enter the six digits" in answer.content.decode()
    assert client.get("/admin/").status_code == 302
    # A session that some other way in has made is not enough either.
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 302


def test_on_the_sandbox_the_password_is_enough(committed: None) -> None:
    user = person("support").user
    client = Client()
    assert sign_in(client, user.username).status_code == 302
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("optional", [True, False])
def test_a_wrong_code_is_refused_everywhere(committed: None, settings: Any, optional: bool) -> None:
    settings.STAFF_CODE_OPTIONAL = optional
    user = person("support").user
    client = Client()
    answer = sign_in(client, user.username, code=code_of(user, wrong=True))
    assert answer.status_code == 200 and "That code is not right" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert client.get("/admin/").status_code == 302


def test_the_right_code_signs_in_once(committed: None, settings: Any) -> None:
    settings.STAFF_CODE_OPTIONAL = False
    user = person("support").user
    client, code = Client(), code_of(user)
    answer = sign_in(client, user.username, code=code)
    assert answer.status_code == 302, answer.context and answer.context["form"].errors
    device = TOTPDevice.objects.get(user=user)
    assert client.session[DEVICE_ID_SESSION_KEY] == device.persistent_id
    assert client.get("/admin/").status_code == 200
    again = Client()
    assert sign_in(again, user.username, code=code).status_code == 200
    assert again.get("/admin/").status_code == 302


def test_the_right_code_of_somebody_else_is_refused(committed: None, settings: Any) -> None:
    settings.STAFF_CODE_OPTIONAL = False
    user, other = person("support").user, person("finance").user
    client = Client()
    assert sign_in(client, user.username, code=code_of(other)).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_five_wrong_passwords_lock_the_name(committed: None) -> None:
    user = person("support").user
    client = Client()
    for _ in range(5):
        answer = sign_in(client, user.username, "not the password")
    assert answer.status_code == 429
    assert sign_in(client, user.username).status_code == 429
    assert client.get("/admin/").status_code == 302


def test_signing_out_is_posted(committed: None) -> None:
    client = desk("support")
    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_form_from_elsewhere_is_refused_with_a_page_of_ours(committed: None) -> None:
    answer = Client(enforce_csrf_checks=True).post(SIGN_IN, {"username": "x", "password": "y"})
    text = answer.content.decode()
    assert answer.status_code == 403 and "This form has expired" in text
    assert Inline(text).found == [] and "Sandbox network" in text
