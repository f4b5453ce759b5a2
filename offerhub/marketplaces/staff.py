"""The people of the back-office: who they are, their roles, and their one-time codes."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidRequest, NotFound
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.roles import Role


@dataclass(frozen=True)
class NewStaff:
    """A person, and the base 32 secret for their authenticator, which nobody can see again."""

    user: StaffUser
    totp_secret: str

    def __repr__(self) -> str:
        return f"NewStaff({self.user.public_id})"


@in_transaction
def create_staff(
    *,
    username: str,
    password: str,
    roles: Iterable[str] = (),
    email: str = "",
    is_superuser: bool = False,
) -> NewStaff:
    """A person with their roles and a device for one-time codes.

    Raises InvalidRequest for a weak password, a taken name, or a role that there is none of.
    """
    if not username.strip() or StaffUser.objects.filter(username=username).exists():
        raise _refuse("username", "taken", "is empty or taken")
    groups = _groups(roles)
    user = StaffUser(username=username, email=email, is_staff=True, is_superuser=is_superuser)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise _refuse("password", "too_weak", " ".join(error.messages)) from None
    user.set_password(password)
    user.save()
    user.groups.set(groups)
    return NewStaff(user, _new_device(user))


@in_transaction
def update_staff(*, public_id: str, roles: Iterable[str], is_active: bool) -> StaffUser:
    """Give a person exactly these roles; one who is not active is out at their next request."""
    user = lock(public_id)
    user.groups.set(_groups(roles))
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    return user


@in_transaction
def replace_device(*, public_id: str) -> NewStaff:
    """A new device for somebody who lost theirs; the old one's codes do not work any more."""
    user = lock(public_id)
    TOTPDevice.objects.filter(user=user).delete()
    return NewStaff(user, _new_device(user))


def _new_device(user: StaffUser) -> str:
    device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    return base64.b32encode(device.bin_key).decode()


def _groups(roles: Iterable[str]) -> list[Group]:
    wanted = sorted(set(roles))
    unknown = [role for role in wanted if role not in set(Role)]
    if unknown:
        raise _refuse("roles", "unknown_role", f"has no {', '.join(unknown)}")
    return [Group.objects.get_or_create(name=role)[0] for role in wanted]


def lock(public_id: str) -> StaffUser:
    """The person's row, locked; raises NotFound."""
    user = StaffUser.objects.select_for_update().filter(public_id=public_id).first()
    if user is None:
        raise NotFound(f"There is no {public_id}")
    return user


def _refuse(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
