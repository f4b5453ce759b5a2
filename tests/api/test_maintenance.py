"""Maintenance: reads go on, writes are refused whole, and the commands that an operator types."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from offerhub.api import authentication, maintenance
from offerhub.events.models import Event
from offerhub.marketplaces.models import ApiKey, Marketplace
from offerhub.users.models import Wallet
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seen_anew() -> Iterator[None]:
    maintenance.forget()
    yield
    maintenance.forget()


def command(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said, stderr=StringIO())
    return said.getvalue()


def test_writes_are_503_with_retry_after_and_reads_go_on(api: Api) -> None:
    said = command("maintenance", "on", "--reason", "Moving house", "--retry-after", "600")
    assert "Moving house" in said
    refused = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "600")
    problem = refused.json()
    assert (problem["code"], problem["reason"]) == ("maintenance", "Moving house")
    assert api.get("/me").status_code == 200
    assert not Event.objects.filter(actor=f"api_key:{api.key_id}").exists()
    assert command("maintenance", "off") == "Maintenance is off: writes are taken.\n"
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key="k").status_code == 201


def test_whoever_may_not_call_is_told_that_and_not_of_maintenance(api: Api) -> None:
    command("maintenance", "on")
    assert api.post("/toys", {"name": "Car"}, Authorization="Bearer nothing").status_code == 401
    with pytest.raises(CommandError, match="retry-after"):
        command("maintenance", "on", "--retry-after", "0")


def test_a_key_is_made_replaced_and_ended_by_command(api: Api) -> None:
    made = command(
        "keys", "create", api.marketplace.id, "--name", "server", "--scopes", "orders:read"
    ).strip()
    new = Api(made, api.marketplace, "")
    assert new.get("/me").json()["apiKey"]["scopes"] == ["orders:read"]
    key = ApiKey.objects.get(prefix=made.split("_")[2])
    assert (key.expires_at, made in str(vars(key))) == (None, False)
    replaced = command("keys", "rotate", key.id, "--overlap", "PT1H").strip()
    assert Api(replaced, api.marketplace, "").get("/me").status_code == 200
    assert new.get("/me").status_code == 200
    assert command("keys", "revoke", key.id) == f"{key.id} is revoked.\n"
    authentication.forget()
    assert new.get("/me").json()["code"] == "api_key_revoked"
    listed = command("keys", "list", api.marketplace.id)
    assert f"{key.id}  revoked" in listed
    assert listed.count("usable") == 2
    assert made.split("_", 3)[3] not in listed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("create", "mkt_nothing", "--name", "x", "--scopes", "all"), "no marketplace"),
        (("revoke", "key_nothing"), "no API key"),
        (("list", "mkt_nothing"), "no marketplace"),
    ],
)
def test_a_command_that_names_nothing_says_so(words: tuple[str, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        command("keys", *words)


def test_a_scope_or_duration_that_is_none_is_refused(api: Api) -> None:
    make = ("keys", "create", api.marketplace.id, "--name", "x", "--scopes")
    with pytest.raises(CommandError, match="'orders:all' is no scope"):
        command(*make, "orders:all")
    with pytest.raises(CommandError, match="is no duration"):
        command(*make, "all", "--expires-in", "90 days")
    assert ApiKey.objects.filter(marketplace=api.marketplace).count() == 1


def test_a_marketplace_is_made_with_its_own_wallets() -> None:
    made = command("marketplaces", "create", "Handmade", "--fee-percent", "5").strip()
    row = Marketplace.objects.get(pk=made)
    assert (row.name, row.platform_fee_percent) == ("Handmade", 5)
    kinds = Wallet.objects.filter(marketplace=row).values_list("kind", flat=True)
    assert sorted(kinds) == ["PLATFORM", "RESOLVER"]
    assert f"{made}   5 %  Handmade" in command("marketplaces", "list")
    with pytest.raises(CommandError, match="0 to 90"):
        command("marketplaces", "create", "Too dear", "--fee-percent", "91")
