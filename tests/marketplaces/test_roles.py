"""Who may do what, as the design's table says it: in code, in the database, and for a person."""

import pytest
from django.contrib.auth.models import Group, Permission

from offerhub.marketplaces import staff
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.roles import NAMES, RIGHTS, Right, Role, holds

pytestmark = pytest.mark.django_db

# The columns are support, senior support, finance, read only, operations.
ROLES = [Role.SUPPORT, Role.SENIOR_SUPPORT, Role.FINANCE, Role.READ_ONLY, Role.OPERATIONS]
TABLE = {
    Right.VIEW: "yes yes yes yes yes",
    Right.WORK_CASES: "yes yes no no yes",
    Right.PROPOSE_RESOLUTION: "yes yes no no no",
    Right.APPROVE_RESOLUTION: "no yes yes no no",
    Right.PROPOSE_ADJUSTMENT: "no yes no no no",
    Right.APPROVE_ADJUSTMENT: "no no yes no no",
    Right.APPROVE_WITHDRAWAL: "no yes yes no no",
    Right.ASSIGN_DEPOSIT: "no no yes no yes",
    Right.EXPORT: "no no yes no no",
    Right.OPERATE: "no no no no yes",
    Right.MANAGE_STAFF: "no no no no no",
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Right) == set(NAMES)
    assert set(ROLES) == set(Role) == set(RIGHTS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("right", list(TABLE))
def test_a_role_has_exactly_the_rights_of_the_table(role: Role, right: Right) -> None:
    expected = TABLE[right].split()[ROLES.index(role)] == "yes"
    assert (right in RIGHTS[role]) == expected
    group = Group.objects.get(name=role)
    assert group.permissions.filter(codename=right).exists() == expected
    person = staff.create_staff(username="p", password="correct horse battery", roles=[role]).user
    assert holds(StaffUser.objects.get(pk=person.pk), right) == expected


def test_no_role_has_any_other_permission() -> None:
    for role in Role:
        codenames = Group.objects.get(name=role).permissions.values_list("codename", flat=True)
        assert set(codenames) == set(RIGHTS[role])


def test_each_right_is_one_permission() -> None:
    found = Permission.objects.filter(codename__in=list(Right)).values_list("codename", "name")
    assert dict(found) == {right.value: name for right, name in NAMES.items()}
    assert len(found) == len(Right)


def test_who_is_not_active_or_no_staff_has_no_right() -> None:
    made = staff.create_staff(username="p", password="correct horse battery", is_superuser=True)
    assert holds(StaffUser.objects.get(pk=made.user.pk), Right.VIEW)
    for field in ("is_active", "is_staff"):
        user = StaffUser.objects.get(pk=made.user.pk)
        setattr(user, field, False)
        assert not any(holds(user, right) for right in Right)


def test_people_with_two_roles_have_the_rights_of_both() -> None:
    roles = [Role.SUPPORT, Role.FINANCE]
    made = staff.create_staff(username="p", password="correct horse battery", roles=roles)
    user = StaffUser.objects.get(pk=made.user.pk)
    had = {right for right in Right if holds(user, right)}
    assert had == RIGHTS[Role.SUPPORT] | RIGHTS[Role.FINANCE]
