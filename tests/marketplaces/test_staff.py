"""The people of the back-office."""

import base64

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.core.errors import InvalidRequest, NotFound
from offerhub.marketplaces import staff
from offerhub.marketplaces.models import StaffUser

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def test_a_person_can_sign_in_with_password_and_code() -> None:
    made = staff.create_staff(username="ada", password=PASSWORD, roles=["support", "finance"])
    request = RequestFactory().post("/")
    assert authenticate(request, username="ada", password=PASSWORD) == made.user
    assert {group.name for group in made.user.groups.all()} == {"support", "finance"}
    assert (made.user.is_staff, made.user.is_superuser) == (True, False)
    device = TOTPDevice.objects.get(user=made.user)
    code = TOTP(base64.b32decode(made.totp_secret)).token()
    assert device.verify_token(code)
    assert not device.verify_token(code)  # once


def test_secrets_are_not_printed() -> None:
    made = staff.create_staff(username="ada", password=PASSWORD)
    assert made.totp_secret not in repr(made)
    assert PASSWORD not in StaffUser.objects.get(username="ada").password


@pytest.mark.parametrize(
    ("username", "password", "roles", "field"),
    [
        ("ada", "short", [], "password"),
        ("ada", "password1234", [], "password"),
        ("", PASSWORD, [], "username"),
        ("taken", PASSWORD, [], "username"),
        ("ada", PASSWORD, ["owner"], "roles"),
    ],
)
def test_who_is_out_of_form_is_refused(
    username: str, password: str, roles: list[str], field: str
) -> None:
    staff.create_staff(username="taken", password=PASSWORD)
    with pytest.raises(InvalidRequest) as refused:
        staff.create_staff(username=username, password=password, roles=roles)
    assert refused.value.errors[0].field == field
    assert StaffUser.objects.filter(username="ada").count() == 0


def test_roles_are_replaced_and_access_is_taken() -> None:
    made = staff.create_staff(username="ada", password=PASSWORD, roles=["support"])
    staff.update_staff(public_id=made.user.public_id, roles=["read_only"], is_active=False)
    user = StaffUser.objects.get(username="ada")
    assert [group.name for group in user.groups.all()] == ["read_only"]
    assert authenticate(RequestFactory().post("/"), username="ada", password=PASSWORD) is None
    with pytest.raises(NotFound):
        staff.update_staff(public_id="stf_none", roles=[], is_active=True)


def test_a_lost_device_is_replaced() -> None:
    made = staff.create_staff(username="ada", password=PASSWORD)
    new = staff.replace_device(public_id=made.user.public_id)
    assert new.totp_secret != made.totp_secret
    device = TOTPDevice.objects.get(user=made.user)
    assert not device.verify_token(TOTP(base64.b32decode(made.totp_secret)).token())
