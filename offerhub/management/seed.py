"""What a fresh installation on the sandbox gets: tables, a demo marketplace, a key, staff."""

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from django.core.management import call_command
from django.db import OperationalError, close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor
from django_otp.plugins.otp_totp.models import TOTPDevice

from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.marketplaces import scopes, staff, tokens
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import ApiKey, Marketplace, StaffUser
from offerhub.marketplaces.roles import Role
from offerhub.runfile import RunFile, Staff
from offerhub.users import services as users

R = TypeVar("R")
NAME = "Demo marketplace"
ACTOR = system("demo")
SNIPPET_USERS = ("usr_123", "usr_456")  # buyer and seller of the SDKs' first lines
TRIES = 8
MIGRATION_LOCK = 7_100_100  # one migration at a time, however many machines start together


def patiently(work: Callable[[], R]) -> R:
    """Do database work that may be repeated; a server that is just coming back is waited for."""
    for attempt in range(TRIES):
        try:
            close_old_connections()
            return work()
        except OperationalError:
            if attempt == TRIES - 1:
                raise
            time.sleep(min(0.25 * 2**attempt, 4.0))
        finally:
            connection.close()
    raise AssertionError("unreachable")


def migrate() -> int:
    """Bring the database up to date; how many migrations it took."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    executor = MigrationExecutor(connection)
    wanted = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if wanted:
        call_command("migrate", verbosity=0, interactive=False)
    return wanted


def demo_installation(known: RunFile | None, base_url: str, sandbox_url: str) -> RunFile:
    """The demo marketplace with a key and a person for each role; what is there is kept.

    Secrets can not be read back from the database, so they are taken from the file of the last
    start as long as they still work, and made anew otherwise.
    """
    marketplace = _marketplace(known)
    for number, user in enumerate(SNIPPET_USERS):
        new = users.NewUser(external_id=f"sdk-{('buyer', 'seller')[number]}", id=user)
        users.create_user(marketplace_id=marketplace.id, new=new, actor=ACTOR)
    return {
        "baseUrl": base_url,
        "apiKey": _working_key(known, marketplace) or _new_key(marketplace),
        "adminUrl": f"{base_url}/admin/",
        "sandboxUrl": sandbox_url,
        "marketplaceId": marketplace.id,
        "staff": [_staff(role, known) for role in Role],
    }


def _marketplace(known: RunFile | None) -> Marketplace:
    rows = Marketplace.objects.order_by("created_at")
    marketplace = rows.filter(pk=known["marketplaceId"]).first() if known else None
    marketplace = marketplace or rows.filter(name=NAME).first()
    if marketplace is None:
        marketplace = marketplaces.create_marketplace(name=NAME, actor=ACTOR)
    users.make_own_wallets(marketplace_id=marketplace.id)
    return marketplace


def _working_key(known: RunFile | None, marketplace: Marketplace) -> str:
    """The key of the last start, if it still opens everything; else an empty text."""
    token = tokens.parse(known["apiKey"]) if known else None
    if token is None:
        return ""
    key = ApiKey.objects.filter(marketplace=marketplace, prefix=token.prefix).first()
    usable = (
        key is not None
        and hmac.compare_digest(bytes(key.digest), tokens.digest(token.text))
        and key.is_usable(clock.now())
        and set(key.scopes) >= scopes.ALL
    )
    return token.text if usable else ""


def _new_key(marketplace: Marketplace) -> str:
    return marketplaces.create_api_key(
        marketplace_id=marketplace.id, name="Demo", scopes=scopes.ALL, actor=ACTOR
    ).token


def _staff(role: Role, known: RunFile | None) -> Staff:
    before = next((one for one in known["staff"] if one["role"] == role), None) if known else None
    user = StaffUser.objects.filter(username=role.value).first()
    if user is not None and before is not None and user.check_password(before["password"]):
        return before
    password = secrets.token_urlsafe(12)
    if user is None:
        new = staff.create_staff(username=role.value, password=password, roles=[role])
        secret = new.totp_secret
    else:
        user.set_password(password)
        user.save()
        device = TOTPDevice.objects.filter(user=user).first()
        secret = base64.b32encode(device.bin_key).decode() if device else ""
    return {
        "role": role.value,
        "username": role.value,
        "password": password,
        "totpSecret": secret,
    }
