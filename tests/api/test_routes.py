"""Generated from the URLconf: no route lets in whoever should not be, and none is undeclared."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import path

from offerhub import urls as product_urls
from offerhub.api.checks import complaints, every_route_declares_its_scopes
from offerhub.api.docs import description_of
from offerhub.api.permissions import ANY_KEY, PUBLIC
from offerhub.api.routes import Route, routes
from offerhub.api.views import ApiView
from offerhub.core import clock
from offerhub.marketplaces import services
from offerhub.marketplaces.models import ApiKey
from tests.api.conftest import ACTOR, Api

pytestmark = pytest.mark.django_db

PUBLIC_ROUTES = {"/api/v1/schema", "/api/v1/docs"}


@pytest.fixture(params=["tests.api.urls", "offerhub.urls"])
def every_route(request: pytest.FixtureRequest, settings: Any) -> list[tuple[Route, str]]:
    """Each method of each route: of the product, and of the kernel's own toys."""
    settings.ROOT_URLCONF = request.param
    return [(route, method) for route in routes() for method in route.methods]


@pytest.fixture
def toys(settings: Any) -> list[tuple[Route, str]]:
    """The kernel's own; who may call which route of the product is in tests/defects."""
    settings.ROOT_URLCONF = "tests.api.urls"
    return [(route, method) for route in routes() for method in route.methods]


def call(api: Api, route: Route, method: str, header: str | None) -> Any:
    headers = {} if header is None else {"authorization": header}
    return api.client.generic(
        method, route.filled(), b"{}", content_type="application/json", headers=headers
    )


def kinds(api: Api) -> dict[str, tuple[str | None, str]]:
    """Who should be refused: header, and the code that says so."""
    expired = _key(api, [])
    ApiKey.objects.filter(pk=expired.key.pk).update(expires_at=clock.now())
    revoked = _key(api, [])
    services.revoke_api_key(key_id=revoked.key.pk, actor=ACTOR)
    return {
        "anonymous": (None, "api_key_missing"),
        "malformed": ("Bearer ohk_test_x", "api_key_malformed"),
        "unknown": (f"Bearer ohk_test_abcdefgh_{'x' * 43}", "api_key_unknown"),
        "revoked": (f"Bearer {revoked.token}", "api_key_revoked"),
        "expired": (f"Bearer {expired.token}", "api_key_expired"),
    }


def _key(api: Api, scopes: list[str]) -> services.NewKey:
    return services.create_api_key(
        marketplace_id=api.marketplace.id, name="x", scopes=scopes, actor=ACTOR
    )


@pytest.mark.parametrize("kind", ["anonymous", "malformed", "unknown", "revoked", "expired"])
def test_every_route_rejects_anonymous(api: Api, kind: str, toys: list[tuple[Route, str]]) -> None:
    header, code = kinds(api)[kind]
    let_in = []
    for route, method in toys:
        if route.view.scopes[method] != PUBLIC:
            answer = call(api, route, method, header)
            if (answer.status_code, answer.json().get("code")) != (401, code):
                let_in.append((method, route.path, answer.status_code))
    assert let_in == []


def test_every_route_rejects_a_key_without_its_scope(
    api: Api, toys: list[tuple[Route, str]]
) -> None:
    bare = f"Bearer {_key(api, []).token}"
    let_in = []
    for route, method in toys:
        if route.view.scopes[method] not in (PUBLIC, ANY_KEY):
            answer = call(api, route, method, bare)
            body = answer.json()
            expected = (403, "scope_missing", route.view.scopes[method])
            if (answer.status_code, body.get("code"), body.get("requiredScope")) != expected:
                let_in.append((method, route.path, answer.status_code))
    assert let_in == []


def test_every_other_scope_is_not_enough(make_api: Callable[..., Api]) -> None:
    from offerhub.marketplaces.scopes import ALL

    api = make_api("Shop", ALL - {"orders:write"})
    assert api.get("/toys").status_code == 200
    assert api.post("/toys", {"name": "Car"}).json()["requiredScope"] == "orders:write"


def test_only_the_description_of_the_api_is_public(every_route: list[tuple[Route, str]]) -> None:
    public = {route.path for route, m in every_route if route.view.scopes[m] == PUBLIC}
    assert public <= PUBLIC_ROUTES


def test_a_public_route_asks_for_no_key_and_so_finds_none_bad(api: Api) -> None:
    for header in ("Bearer ohk_test_x", f"Bearer ohk_test_abcdefgh_{'x' * 43}", "Basic eDp5"):
        answer = api.client.get("/api/v1/schema", headers={"authorization": header})
        assert answer.status_code == 200, header


def test_every_route_takes_no_other_method(api: Api, every_route: list[tuple[Route, str]]) -> None:
    for route in {route for route, _ in every_route}:
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}:
            if method not in route.methods:
                answer = call(api, route, method, f"Bearer {api.token}")
                assert answer.status_code == 405, (method, route.path)
                allowed = set(answer.headers["Allow"].split(", "))
                assert allowed - {"HEAD"} == set(route.methods)
                assert answer.json()["code"] == "method_not_allowed"


def test_every_route_is_declared_and_described(every_route: list[tuple[Route, str]]) -> None:
    assert every_route_declares_its_scopes() == []
    told = {(r.path, m) for r, m in every_route if description_of(r.view, m) is not None}
    assert {(r.path, m) for r, m in every_route} - told <= {
        ("/api/v1/toys/{toyId}", "GET"),
        ("/api/v1/toys/{toyId}", "PATCH"),
    }


def test_a_route_without_a_scope_fails_the_build() -> None:
    class Careless(ApiView):
        scopes = {"GET": "orders:everything", "PUT": "orders:write"}

        def get(self, request: Any) -> None: ...

        def post(self, request: Any) -> None: ...

    assert complaints(Route("/api/v1/x", Careless)) == [
        "/api/v1/x declares no scope for POST",
        "/api/v1/x has no handler for PUT",
        "/api/v1/x needs 'orders:everything', which is no scope",
    ]

    class Open(ApiView):
        permission_classes = []

    assert complaints(Route("/api/v1/x", Open)) == [
        "/api/v1/x replaces the question for the key's scope"
    ]
    assert complaints(Route("/api/v1/x", lambda request: None)) == [
        "/api/v1/x is not an ApiView, so nothing asks for a key there"
    ]


def test_the_start_up_check_reads_the_urlconf(settings: Any) -> None:
    class urlconf:
        urlpatterns = [
            path("api/v1/open", lambda request: HttpResponse()),
            *product_urls.urlpatterns,
        ]

    settings.ROOT_URLCONF = urlconf
    assert "offerhub.E010" in {error.id for error in run_checks(tags=["urls"])}


def test_a_limit_of_nothing_fails_the_build(settings: Any) -> None:
    settings.API_RATE_PER_SECOND = 0
    assert "offerhub.E011" in {error.id for error in run_checks()}
