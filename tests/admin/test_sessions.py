"""A session ends when nobody is there, and money asks for the code again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.audit.models import StaffAction
from offerhub.core.actor import system
from offerhub.core.rights import STEP_UP
from offerhub.marketplaces import services, staff
from offerhub.marketplaces.models import ApiKey, StaffUser
from offerhub.marketplaces.roles import Right

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
START = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = False


@pytest.fixture
def at() -> Iterator[Any]:
    """`at(minutes)` moves the machine's clock to so long after the start."""
    with time_machine.travel(START, tick=False) as traveller:
        yield lambda minutes: traveller.move_to(START + timedelta(minutes=minutes))


def code_of(user: StaffUser) -> str:
    device = TOTPDevice.objects.get(user=user)
    token = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token()
    return f"{token:06d}"


@pytest.fixture
def olga(at: Any) -> StaffUser:
    return staff.create_staff(username="olga", password=PASSWORD, roles=["operations"]).user


def signed_in(user: StaffUser) -> Client:
    client = Client()
    client.get("/admin/login/")
    form = {"username": user.username, "password": PASSWORD, "otp_token": code_of(user)}
    answer = client.post("/admin/login/", {**form, "next": "/admin/"})
    assert answer.status_code == 302, answer.content
    return client


def is_in(client: Client, **more: Any) -> bool:
    return client.get("/admin/password_change/", **more).status_code == 200


def test_fifteen_idle_minutes_end_it(olga: StaffUser, at: Any) -> None:
    client = signed_in(olga)
    for minutes in (14, 28, 42):
        at(minutes)
        assert is_in(client)
    at(58)
    answer = client.get("/admin/password_change/?a=1")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/login/?next=/admin/password_change/%3Fa%3D1"
    assert not is_in(client)
    assert StaffAction.objects.latest("position").action == "sign_in.timed_out"
    assert StaffAction.objects.filter(action="sign_in.timed_out").count() == 1


def test_eight_hours_end_it_however_busy(olga: StaffUser, at: Any) -> None:
    client = signed_in(olga)
    for minutes in range(10, 480, 10):
        at(minutes)
        assert is_in(client)
    at(481)
    assert not is_in(client)


def test_what_a_page_fetches_by_itself_is_nobody(olga: StaffUser, at: Any) -> None:
    client = signed_in(olga)
    for minutes in range(2, 16, 2):
        at(minutes)
        assert is_in(client, headers={"Sec-Fetch-Dest": "empty"})
    at(16)
    assert not is_in(client, headers={"Sec-Fetch-Dest": "empty"})


def test_what_is_posted_too_late_is_not_done(olga: StaffUser, at: Any) -> None:
    client, key = signed_in(olga), new_key()
    at(16)
    answer = client.post(revoke(key))
    assert answer.headers["Location"].startswith("/admin/login/?next=/admin/")
    assert ApiKey.objects.get(pk=key).revoked_at is None


def test_the_key_of_the_session_is_new_after_signing_in(olga: StaffUser, at: Any) -> None:
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[configured.SESSION_COOKIE_NAME] = str(session.session_key)
    form = {"username": "olga", "password": PASSWORD, "otp_token": code_of(olga)}
    assert client.post("/admin/login/", {**form, "next": "/admin/"}).status_code == 302
    assert client.session.session_key != session.session_key
    old = Client()
    old.cookies[configured.SESSION_COOKIE_NAME] = str(session.session_key)
    assert not is_in(old)


def test_signing_in_again_begins_anew(olga: StaffUser, at: Any) -> None:
    client = signed_in(olga)
    for minutes in range(10, 480, 10):
        at(minutes)
        assert is_in(client)
    form = {"username": "olga", "password": PASSWORD, "otp_token": code_of(olga)}
    assert client.post("/admin/login/", {**form, "next": "/admin/"}).status_code == 302
    at(484)
    assert is_in(client)


# --- the code again


def new_key() -> str:
    shop = services.create_marketplace(name="Shop", actor=system("test"))
    made = services.create_api_key(
        marketplace_id=shop.id, name="web", scopes=[], actor=system("test")
    )
    return made.key.id


def revoke(key: str) -> str:
    return reverse("admin:marketplaces_apikey_revoke", args=[key])


def test_within_five_minutes_of_the_code_nobody_is_asked(olga: StaffUser, at: Any) -> None:
    client, key = signed_in(olga), new_key()
    at(4.9)
    assert client.post(revoke(key)).status_code == 302
    assert ApiKey.objects.get(pk=key).revoked_at is not None


def test_later_the_code_is_asked_for_and_the_form_goes_on(olga: StaffUser, at: Any) -> None:
    client, key = signed_in(olga), new_key()
    address = reverse("admin:marketplaces_apikey_rotate", args=[key])
    at(6)
    assert client.get(address).status_code == 200
    asked = client.post(address, {"hours": "7", "note": "<b>"})
    text = asked.content.decode()
    assert asked.status_code == 403 and "Confirm that it is you" in text
    assert '<input type="hidden" name="hours" value="7">' in text and "&lt;b&gt;" in text
    assert "unsafe" not in asked.headers["Content-Security-Policy"]
    wrong = client.post(address, {"hours": "7", "step_up_code": "000000"})
    assert wrong.status_code == 403 and "That code is not right" in wrong.content.decode()
    assert ApiKey.objects.count() == 1
    at(7)
    done = client.post(address, {"hours": "7", "step_up_code": code_of(olga)})
    assert done.status_code == 200 and ApiKey.objects.count() == 2
    assert client.post(address, {"hours": "7"}).status_code == 200
    at(13)
    assert client.post(address, {"hours": "7"}).status_code == 403


def test_the_code_of_somebody_else_opens_nothing(olga: StaffUser, at: Any) -> None:
    other = staff.create_staff(username="oscar", password=PASSWORD, roles=["operations"]).user
    client, key = signed_in(olga), new_key()
    at(6)
    assert client.post(revoke(key), {"step_up_code": code_of(other)}).status_code == 403
    assert ApiKey.objects.get(pk=key).revoked_at is None


def test_who_lacks_the_right_is_not_asked_but_refused(olga: StaffUser, at: Any) -> None:
    support = staff.create_staff(username="sue", password=PASSWORD, roles=["support"]).user
    client, key = signed_in(support), new_key()
    at(6)
    assert "Confirm that it is you" not in client.post(revoke(key)).content.decode()


def test_making_one_asks_too(olga: StaffUser, at: Any) -> None:
    client = signed_in(olga)
    at(6)
    new_key()
    form = {"marketplace": ApiKey.objects.get().marketplace_id, "name": "new"}
    assert client.post(reverse("admin:marketplaces_apikey_add"), form).status_code == 403
    assert ApiKey.objects.count() == 1


def test_on_the_sandbox_nobody_is_asked(olga: StaffUser, at: Any, settings: Any) -> None:
    client, key = signed_in(olga), new_key()
    settings.STAFF_CODE_OPTIONAL = True
    at(6)
    assert client.post(revoke(key)).status_code == 302


def test_what_moves_money_or_rights_asks_for_it() -> None:
    looking = {Right.VIEW, Right.WORK_CASES, Right.EXPORT, Right.PROPOSE_ADJUSTMENT}
    assert set(Right) - looking == STEP_UP


def test_the_cookies_are_strict() -> None:
    assert configured.SESSION_COOKIE_SAMESITE == configured.CSRF_COOKIE_SAMESITE == "Strict"
    assert configured.SESSION_COOKIE_HTTPONLY and configured.SESSION_COOKIE_AGE == 8 * 3600
    assert configured.SESSION_COOKIE_SECURE == configured.HTTPS
    assert configured.SESSION_COOKIE_NAME.startswith("__Host-") == configured.HTTPS
    assert configured.SESSION_COOKIE_PATH == "/" and configured.SESSION_COOKIE_DOMAIN is None
