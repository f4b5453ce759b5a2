"""Tenants and keys: what is kept of them, what is told, what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.core.errors import InvalidRequest, NotFound, WrongState
from offerhub.events.models import Event
from offerhub.marketplaces import journal, services, tokens
from offerhub.marketplaces.models import ApiKey, Marketplace
from offerhub.marketplaces.scopes import ALL, DESCRIPTIONS

pytestmark = pytest.mark.django_db
ACTOR = system("test", "req-1")


@pytest.fixture
def shop() -> Marketplace:
    return services.create_marketplace(name="Shop", actor=ACTOR)


def new_key(shop: Marketplace, **more: object) -> services.NewKey:
    given: dict[str, object] = {"name": "server", "scopes": ["orders:read"], **more}
    return services.create_api_key(marketplace_id=shop.id, actor=ACTOR, **given)  # type: ignore[arg-type]


def told(subject: str) -> list[tuple[int, str]]:
    events = Event.objects.filter(subject=subject).order_by("sequence")
    return [(event.sequence, event.type) for event in events]


def test_a_marketplace_is_made_and_told() -> None:
    shop = services.create_marketplace(name=" Shop ", platform_fee_percent=5, actor=ACTOR)
    row = Marketplace.objects.get(pk=shop.id)
    assert (row.name, row.platform_fee_percent, row.version) == ("Shop", 5, 1)
    event = Event.objects.get(subject=shop.id)
    assert (event.type, event.marketplace_id) == ("marketplace.created", shop.id)
    assert (event.actor, event.request_id) == ("system:test", "req-1")


@pytest.mark.parametrize(
    ("name", "fee"), [("", 0), (" ", 0), ("x" * 101, 0), ("Shop", -1), ("Shop", 91)]
)
def test_a_marketplace_out_of_form_is_refused(name: str, fee: int) -> None:
    before = Event.objects.count()
    with pytest.raises(InvalidRequest):
        services.create_marketplace(name=name, platform_fee_percent=fee, actor=ACTOR)
    assert Event.objects.count() == before


def test_a_change_of_the_fee_is_told_with_what_it_was(shop: Marketplace) -> None:
    services.update_marketplace(
        marketplace_id=shop.id,
        name="Shop",
        platform_fee_percent=7,
        release_policy={"after": "P7D", "from": "FUNDED"},
        actor=ACTOR,
    )
    assert told(shop.id) == [(1, "marketplace.created"), (2, "marketplace.updated")]
    event = Event.objects.get(subject=shop.id, sequence=2)
    assert event.payload["platformFeePercentBefore"] == 0
    with pytest.raises(NotFound):
        services.update_marketplace(
            marketplace_id="mkt_none",
            name="x",
            platform_fee_percent=0,
            release_policy=None,
            actor=ACTOR,
        )


def test_a_key_has_the_scopes_that_it_was_given_and_none_by_default(shop: Marketplace) -> None:
    made = new_key(shop, scopes=["users:write", "orders:read", "orders:read"])
    assert ApiKey.objects.get(pk=made.key.pk).scopes == ["orders:read", "users:write"]
    assert new_key(shop, scopes=[]).key.scopes == []
    with pytest.raises(InvalidRequest, match="orders:everything"):
        new_key(shop, scopes=["orders:everything"])


def test_the_events_of_a_key_hold_no_secret(shop: Marketplace) -> None:
    made = new_key(shop)
    services.rotate_api_key(key_id=made.key.pk, actor=ACTOR)
    services.revoke_api_key(key_id=made.key.pk, actor=ACTOR)
    assert told(made.key.pk) == [
        (1, "api_key.created"),
        (2, "api_key.rotated"),
        (3, "api_key.revoked"),
    ]
    secret = made.token.split("_", 3)[3]
    for event in Event.objects.filter(marketplace=shop):
        assert secret not in str(event.payload)
    assert ApiKey.objects.get(pk=made.key.pk).version == 3


def test_two_keys_never_share_a_prefix_or_secret(shop: Marketplace) -> None:
    made = [new_key(shop).token for _ in range(20)]
    assert len({found.prefix for token in made if (found := tokens.parse(token))}) == 20
    assert len({token.split("_", 3)[3] for token in made}) == 20


def test_revoking_twice_is_revoking_once(shop: Marketplace) -> None:
    key = new_key(shop).key
    first = services.revoke_api_key(key_id=key.pk, actor=ACTOR).revoked_at
    assert services.revoke_api_key(key_id=key.pk, actor=ACTOR).revoked_at == first
    assert len(told(key.pk)) == 2
    with pytest.raises(NotFound):
        services.revoke_api_key(key_id="key_none", actor=ACTOR)


def test_a_rotated_key_has_a_successor_like_it_and_an_end(shop: Marketplace) -> None:
    old = new_key(shop).key
    new = services.rotate_api_key(key_id=old.pk, overlap=timedelta(hours=2), actor=ACTOR).key
    assert (new.name, new.scopes, new.marketplace_id) == (old.name, old.scopes, shop.id)
    ends = ApiKey.objects.get(pk=old.pk).expires_at
    assert ends is not None
    assert abs(ends - clock.now() - timedelta(hours=2)) < timedelta(seconds=5)


def test_rotating_never_makes_the_old_key_live_longer(shop: Marketplace) -> None:
    soon = clock.now() + timedelta(minutes=10)
    old = new_key(shop, expires_at=soon).key
    services.rotate_api_key(key_id=old.pk, overlap=timedelta(days=1), actor=ACTOR)
    assert ApiKey.objects.get(pk=old.pk).expires_at == soon


def test_what_cannot_be_rotated_is_refused(shop: Marketplace) -> None:
    key = new_key(shop).key
    for overlap in (timedelta(seconds=-1), timedelta(days=7, seconds=1)):
        with pytest.raises(InvalidRequest):
            services.rotate_api_key(key_id=key.pk, overlap=overlap, actor=ACTOR)
    services.revoke_api_key(key_id=key.pk, actor=ACTOR)
    with pytest.raises(WrongState):
        services.rotate_api_key(key_id=key.pk, actor=ACTOR)


@pytest.mark.parametrize("at", [datetime(2001, 1, 1, tzinfo=UTC), None])
def test_a_key_that_would_be_expired_is_not_made(shop: Marketplace, at: datetime | None) -> None:
    if at is None:
        assert new_key(shop, expires_at=None).key.expires_at is None
        return
    with pytest.raises(InvalidRequest):
        new_key(shop, expires_at=at)


def test_a_key_of_no_marketplace_is_not_made() -> None:
    with pytest.raises(NotFound):
        services.create_api_key(marketplace_id="mkt_none", name="x", scopes=[], actor=ACTOR)


def test_nothing_happens_when_nobody_records_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_recorder", None)
    with pytest.raises(RuntimeError):
        services.create_marketplace(name="Unrecorded", actor=ACTOR)
    assert not Marketplace.objects.filter(name="Unrecorded").exists()


def test_every_scope_is_described() -> None:
    assert set(DESCRIPTIONS) == ALL
    assert all(scope.count(":") == 1 for scope in ALL)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x" * 10_000, "ohk_test_abcdefgh_", "ohk_prod_abcdefgh_" + "x" * 43),
        *("ohk_test_abcdefgh_" + "x" * 44, "ohk_test_abcdefg_" + "x" * 43),
        " ohk_test_abcdefgh_" + "x" * 43,
    ],
)
def test_what_has_not_the_form_of_a_key_is_none(text: str) -> None:
    assert tokens.parse(text) is None
    assert tokens.parse(tokens.make().text) is not None
