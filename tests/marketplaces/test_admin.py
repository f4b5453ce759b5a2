"""Keys and people at the desk: who may, what is shown once, and what is never shown."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from offerhub.audit.models import StaffAction
from offerhub.core.actor import system
from offerhub.events.models import Event
from offerhub.marketplaces import services, staff
from offerhub.marketplaces.models import ApiKey, Marketplace, StaffUser
from offerhub.marketplaces.roles import Right

pytestmark = pytest.mark.django_db
ACTOR = system("test")
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


def person(name: str, *permissions: str, superuser: bool = False) -> Client:
    """Somebody signed in with exactly these rights."""
    user = staff.create_staff(username=name, password=PASSWORD, is_superuser=superuser).user
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def operator() -> Client:
    return person("olga", Right.VIEW, Right.OPERATE)


@pytest.fixture
def reader() -> Client:
    return person("rita", Right.VIEW)


@pytest.fixture
def root() -> Client:
    return person("root", superuser=True)


@pytest.fixture
def key(db: None) -> services.NewKey:
    shop = services.create_marketplace(name="Shop", actor=ACTOR)
    return services.create_api_key(
        marketplace_id=shop.id, name="web shop", scopes=["orders:read"], actor=ACTOR
    )


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:marketplaces_{name}", args=args)


def secret_on(answer: Any) -> str:
    found = re.search(r'id="secret"[^>]* value="([^"]+)"', answer.content.decode())
    assert found is not None
    return found.group(1)


def test_a_key_is_made_and_shown_once(operator: Client, key: services.NewKey) -> None:
    form = {
        "marketplace": key.key.marketplace_id,
        "name": "new",
        "days": "30",
        "scopes": ["users:read"],
    }
    answer = operator.post(page("apikey_add"), form)
    token = secret_on(answer)
    made = ApiKey.objects.get(name="new")
    assert token.startswith(f"ohk_test_{made.prefix}_")
    assert "no-store" in answer.headers["Cache-Control"]
    assert made.scopes == ["users:read"] and made.expires_at is not None
    olga = StaffUser.objects.get(username="olga")
    assert Event.objects.get(subject=made.pk).actor == f"staff:{olga.public_id}"
    for address in (page("apikey_changelist"), page("apikey_change", made.pk)):
        shown = operator.get(address).content.decode()
        assert made.prefix in shown
        assert token not in shown and token.split("_", 3)[3] not in shown
    assert token not in str(dict(operator.session))


def test_a_key_is_rotated_and_revoked(operator: Client, key: services.NewKey) -> None:
    shown = operator.get(page("apikey_change", key.key.pk)).content.decode()
    for name in ("apikey_rotate", "apikey_revoke"):
        assert f'href="{page(name, key.key.pk)}"' in shown
    answer = operator.post(page("apikey_rotate", key.key.pk), {"hours": "24"})
    assert secret_on(answer) != key.token
    answer = operator.post(page("apikey_revoke", key.key.pk))
    assert answer.status_code == 302
    assert ApiKey.objects.get(pk=key.key.pk).revoked_at is not None
    refused = operator.post(page("apikey_rotate", key.key.pk), {"hours": "24"})
    assert "revoked or has expired" in refused.content.decode()


def test_looking_changes_nothing(operator: Client, root: Client, key: services.NewKey) -> None:
    user = StaffUser.objects.get(username="olga")
    for client, address in [
        (operator, page("apikey_add")),
        (operator, page("apikey_rotate", key.key.pk)),
        (operator, page("apikey_revoke", key.key.pk)),
        (root, page("staffuser_add")),
        (root, page("staffuser_change_roles", user.pk)),
        (root, page("staffuser_replace_device", user.pk)),
    ]:
        before = Event.objects.count()
        answer = client.get(address)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.content.decode())
        assert Event.objects.count() == before
    assert ApiKey.objects.get(pk=key.key.pk).revoked_at is None


def test_who_may_only_look_can_only_look(reader: Client, key: services.NewKey) -> None:
    assert reader.get(page("marketplace_change", key.key.marketplace_id)).status_code == 200
    user = StaffUser.objects.get(username="rita")
    for address in [
        page("apikey_change", key.key.pk),
        page("apikey_add"),
        page("apikey_rotate", key.key.pk),
        page("apikey_revoke", key.key.pk),
        page("staffuser_add"),
        page("staffuser_change_roles", user.pk),
        page("staffuser_replace_device", user.pk),
        page("marketplace_add"),
        page("marketplace_delete", key.key.marketplace_id),
        page("apikey_delete", key.key.pk),
    ]:
        assert reader.get(address).status_code == 403, address
        assert reader.post(address, {"hours": "1"}).status_code == 403, address
    assert ApiKey.objects.filter(revoked_at=None).count() == ApiKey.objects.count()


def test_an_operator_cannot_make_themselves_more(operator: Client, key: services.NewKey) -> None:
    user = StaffUser.objects.get(username="olga")
    form = {"roles": ["finance"], "is_active": "on"}
    assert operator.post(page("staffuser_change_roles", user.pk), form).status_code == 403
    assert user.groups.count() == 0


def test_nobody_changes_a_row_by_the_plain_form(root: Client, key: services.NewKey) -> None:
    shop = Marketplace.objects.get(pk=key.key.marketplace_id)
    root.post(page("marketplace_change", shop.pk), {"name": "Mine", "platform_fee_percent": 90})
    root.post(page("apikey_change", key.key.pk), {"scopes": '["disputes:resolve"]'})
    person("rita2")
    rita = StaffUser.objects.get(username="rita2")
    root.post(page("staffuser_change", rita.pk), {"is_superuser": "on", "username": "rita2"})
    assert Marketplace.objects.get(pk=shop.pk).name == "Shop"
    assert ApiKey.objects.get(pk=key.key.pk).scopes == ["orders:read"]
    assert not StaffUser.objects.get(pk=rita.pk).is_superuser


def test_a_person_is_made_changed_and_given_a_device(root: Client) -> None:
    form = {"username": "ada", "password": PASSWORD, "roles": ["support"], "email": "a@example.org"}
    secret = secret_on(root.post(page("staffuser_add"), form))
    ada = StaffUser.objects.get(username="ada")
    assert [group.name for group in ada.groups.all()] == ["support"]
    weak = root.post(page("staffuser_add"), {**form, "username": "bob", "password": "short"})
    assert "too short" in weak.content.decode()
    root.post(page("staffuser_change_roles", ada.pk), {"roles": ["finance"]})
    ada = StaffUser.objects.get(username="ada")
    assert ([group.name for group in ada.groups.all()], ada.is_active) == (["finance"], False)
    assert secret_on(root.post(page("staffuser_replace_device", ada.pk))) != secret
    shown = root.get(page("staffuser_change", ada.pk)).content.decode()
    assert ada.password not in shown and "pbkdf2" not in shown


def test_a_form_from_elsewhere_is_refused(operator: Client, key: services.NewKey) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(page("apikey_revoke", key.key.pk)).status_code == 403
    assert ApiKey.objects.get(pk=key.key.pk).revoked_at is None


def test_the_settings_of_a_marketplace_are_for_operations_and_in_the_audit(
    operator: Client, reader: Client, key: services.NewKey
) -> None:
    shop = key.key.marketplace
    url = page("marketplace_settings", shop.pk)
    form = {"name": "Shop 2", "platform_fee_percent": 5, "after": "P2W", "starts": "SHIPPED"}
    assert reader.post(url, form).status_code == 403
    assert operator.get(url).status_code == 200
    for wrong in ({"after": "7 days"}, {"after": "P400D"}, {"platform_fee_percent": 91}):
        assert operator.post(url, form | wrong).status_code == 200
    assert Marketplace.objects.get(pk=shop.pk).name == "Shop"
    assert operator.post(url, form).status_code == 302
    row = Marketplace.objects.get(pk=shop.pk)
    assert (row.name, row.platform_fee_percent) == ("Shop 2", 5)
    assert row.release_policy == {"after": "P14D", "from": "SHIPPED"}
    entry = StaffAction.objects.get(action="marketplace.updated")
    assert (entry.before["release_policy"], entry.after["release_policy"]) == (
        None,
        row.release_policy,
    )
    assert operator.post(url, form | {"after": ""}).status_code == 302
    assert Marketplace.objects.get(pk=shop.pk).release_policy is None
