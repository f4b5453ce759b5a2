"""Every route × every principal: who calls, and what each may hear. Made from the URLconf, so a
route that is new is in it at once."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.test import Client
from django.utils import timezone
from requests import Response

from offerhub.api.permissions import ANY_KEY, PUBLIC
from offerhub.api.routes import Route, routes
from offerhub.core.ids import new_id
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import ApiKey
from offerhub.marketplaces.scopes import Scope
from tests.fuzz.difference import plant
from tests.http import Api
from tests.network import Network
from tests.shop import AT_ONCE, Shop
from tests.world import ACTOR, World

# The one route that takes a form.
FORM = (
    {"Content-Type": "multipart/form-data; boundary=x"},
    (
        '--x\r\nContent-Disposition: form-data; name="by"\r\n\r\nbuyer\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nMine'
        "\r\n--x--\r\n"
    ),
)
# What writes say that name somebody else's row in their body; those with it in their path say 404.
NAMING = {
    **dict.fromkeys(("/orders", "/campaigns", "/subscriptions", "/withdrawals"), 422),
    **dict.fromkeys(("/sandbox/deposits", "/sandbox/faults"), 422),
    **dict.fromkeys(("/escrow", "/disputes", "/resolution/release", "/resolution/refund"), 404),
    "/reports/runs": 400,
}
LAST = ("GET", "POST", "PUT", "PATCH", "DELETE")
Call = tuple[Route, str]


def calls() -> list[Call]:
    """Each method of each route; what reads before what writes, what deletes at the end."""
    found = [(route, method) for route in routes() for method in route.methods]
    return sorted(found, key=lambda call: LAST.index(call[1]))


def shop_of(world: World, api: Api) -> Shop:
    """One of everything, the jobs run by the test."""

    def work() -> None:
        world.settle()
        world.watch()

    shop = Shop(api, world.network.mint, work, world.stranger())
    contract = api.get(f"/escrow/{shop.ids['escrowId']}")["contractId"]
    shop.ids["differenceId"] = plant(world.marketplace.id, contract)
    return shop


class Table:
    """Asks every route as every principal; each row answers a complaint, or nothing."""

    def __init__(self, shop: Shop, world: World, network: Network) -> None:
        self.shop, self.world = shop, world
        self.stranger = Api(shop.api.url.removesuffix("/api/v1"), World(network).key())
        made = self.stranger.request("POST", "/users", {"externalId": "eve"}, AT_ONCE)
        hooks = {"url": "https://example.com/eve"}
        endpoint = self.stranger.post("/webhook-endpoints", hooks, status=201)
        # Of what is below another row, the stranger names ours below a row of their own.
        self.own = {"userId": made.json()["id"], "endpointId": endpoint["id"]}
        self.unknown = {k: new_id(id.split("_")[0]) for k, id in shop.ids.items()}
        self.columns: dict[str, Callable[[Route, str], object]] = {
            "anonymous": self._without(None, "api_key_missing"),
            "unknown": self._without(f"ohk_test_abcdefgh_{'x' * 43}", "api_key_unknown"),
            "revoked": self._without(self._revoked(), "api_key_revoked"),
            "expired": self._without(self._expired(), "api_key_expired"),
            "wrong scope": self._wrong_scope,
            "other tenant": self._other_tenant,
            "right": self._right,
        }

    def _revoked(self) -> str:
        made = marketplaces.create_api_key(
            marketplace_id=self.world.marketplace.id, name="gone", scopes=list(Scope), actor=ACTOR
        )
        marketplaces.revoke_api_key(key_id=made.key.pk, actor=ACTOR)
        return made.token

    def _expired(self) -> str:
        token = self.world.key()
        row = ApiKey.objects.filter(marketplace=self.world.marketplace).latest("pk")
        ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now())
        return token

    @cache  # noqa: B019  (a table lives as long as its test)
    def _lacking(self, scope: str) -> str:
        """A key of ours with every scope but one."""
        return self.world.key(*(other for other in Scope if other != scope))

    def _knock(self, token: str | None, route: Route, method: str) -> tuple[int, dict[str, Any]]:
        """What somebody hears who should not come in: status and, of JSON, the body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = Client().generic(
            method,
            f"/api/v1{self.shop.path(route.path)}",
            b"{}",
            content_type="application/json",
            headers=headers,
        )
        is_json = "json" in answer.headers["Content-Type"]
        return answer.status_code, answer.json() if is_json else {}

    def _without(self, token: str | None, code: str) -> Callable[[Route, str], object]:
        """Who has no good key is refused, whatever there is; the API's description is for all."""

        def ask(route: Route, method: str) -> object:
            status, body = self._knock(token, route, method)
            if route.view.scopes[method] == PUBLIC:
                return None if status == 200 else (status, body)
            return None if (status, body.get("code")) == (401, code) else (status, body)

        return ask

    def _wrong_scope(self, route: Route, method: str) -> object:
        """Every scope but the one that is needed is not enough."""
        scope = route.view.scopes[method]
        status, body = self._knock(self._lacking(scope), route, method)
        if scope in (PUBLIC, ANY_KEY):
            return None if status == 200 else (status, body)
        said = (status, body.get("code"), body.get("requiredScope"))
        return None if said == (403, "scope_missing", scope) else (status, body)

    def _ask(
        self, api: Api, route: Route, method: str, ids: dict[str, str], body: Any = None
    ) -> Response:
        """Over HTTP, with these ids in the path."""
        headers = dict(AT_ONCE)
        if method == "POST" and self.shop.path(route.path) in self.shop.forms:
            form, body = FORM
            headers |= form
        elif method != "GET" and body is None:
            body = {}
        return api.request(method, self.shop.path(route.path, ids), body, headers)

    def _other_tenant(self, route: Route, method: str) -> object:
        """Our rows look exactly as rows that do not exist, and no list holds one of them."""
        path = self.shop.path(route.path)
        body = None if method == "GET" else self.shop.bodies.get(path)
        nested = route.path.count("{") > 1
        answers = [
            self._ask(
                self.stranger,
                route,
                method,
                ids | (self.own if nested else {}),
                body and _translated(body, self.shop.ids, ids),
            )
            for ids in (self.shop.ids, self.unknown)
        ]
        answer = answers[0]
        names_us = "{" in route.path or (method == "POST" and path in NAMING)
        if not names_us:
            told = [id for id in self.shop.ids.values() if id in answer.text]
            return told or _unless(answer.status_code < 500, answer)
        expected = 404 if "{" in route.path else NAMING[path]
        same = _masked(answer, self.shop.ids) == _masked(answers[1], self.unknown)
        return _unless(same and answer.status_code == expected, *answers)

    def _right(self, route: Route, method: str) -> object:
        """What is read is there, and what is written is refused for its own sake at most."""
        answer = self._ask(self.shop.api, route, method, self.shop.ids)
        if method == "GET":
            expected = (200, 409) if route.path.endswith("/file") else (200,)
            return _unless(answer.status_code in expected, answer)
        return _unless(
            answer.status_code < 500 and answer.status_code not in (401, 403, 404), answer
        )


def _unless(good: bool, *answers: Response) -> object:
    return None if good else [(answer.status_code, answer.text[:300]) for answer in answers]


def _translated(body: Any, ids: dict[str, str], others: dict[str, str]) -> Any:
    text = json.dumps(body)
    for name, id in ids.items():
        text = text.replace(id, others[name])
    return json.loads(text)


def _masked(answer: Response, ids: dict[str, str]) -> tuple[int, str, Any]:
    """Status, media type and body, without what differs from call to call."""
    text = answer.text
    for name, id in ids.items():
        text = text.replace(id, f"<{name}>")
    body = json.loads(text)
    return answer.status_code, answer.headers["Content-Type"], body | {"requestId": ""}
