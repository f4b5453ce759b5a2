"""Another marketplace's server tries what is not its own (I10), and keeps what is (I11)."""

import random
from typing import Any

from django.db import connection

from tests.simulation.asking import UNIT
from tests.simulation.stage import PUBLIC_ID, Stage

LISTS = ("orders", "withdrawals", "disputes", "subscriptions", "campaigns", "deposits")
READS = (
    *("/orders/{ord}", "/orders/{ord}/timeline", "/orders/{ord}/milestones", "/escrow/{esc}"),
    *("/withdrawals/{wdr}", "/disputes/{dsp}", "/subscriptions/{sub}", "/campaigns/{cmp}"),
    *("/operations/{opr}", "/users/{usr}", "/users/{usr}/balance", "/withdrawals/batches/{wdb}"),
    *("/subscriptions/{sub}/cycles", "/campaigns/{cmp}/pledges", "/users/{usr}/statement"),
)
WRITES: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("/orders/{ord}/reserve", None),
    ("/orders/{ord}/cancel", {}),
    ("/escrow", {"orderId": "{ord}"}),
    ("/escrow/{esc}/fund", None),
    ("/resolution/release", {"orderId": "{ord}"}),
    ("/resolution/refund", {"orderId": "{ord}"}),
    ("/disputes", {"orderId": "{ord}", "reason": "theirs", "openedBy": "buyer"}),
    ("/disputes/{dsp}/resolve", {"decision": "REFUND"}),
    ("/withdrawals/{wdr}/cancel", {}),
    ("/subscriptions/{sub}/cancel", {"when": "NOW"}),
    ("/campaigns/{cmp}/settle", None),
    ("/campaigns/{cmp}/cancel", {}),
)


def settle_in(stage: Stage) -> None:
    """The other marketplace has a user of the same name as ours, with a little money."""
    stage.call("POST", "/users", {"externalId": "ann"}, token=stage.other_token)


def enrich(stage: Stage) -> None:
    """Its money, once its wallet lives."""
    _, shown = stage.call("GET", "/users/ann/wallet", token=stage.other_token)
    stage.mint(shown["address"], 7 * UNIT)


def pry(stage: Stage, rng: random.Random) -> None:
    """Ask with the other's key for something of ours: it is not there, and nothing is told."""
    if rng.random() < 0.2:
        name = rng.choice(LISTS)
        _, shown = stage.call("GET", f"/{name}", token=stage.other_token)
        if len(shown["data"]) > (2 if name == "deposits" else 0):  # fee money, and ann's
            stage.wrong(f"GET /{name} showed another marketplace's")
        return
    path, body = rng.choice([*[(read, None) for read in READS], *WRITES])
    kind = (path + str(body)).split("{")[-1][:3] if body else path.split("{")[1][:3]
    ours = [i for i, name in stage.names.items() if i.startswith(f"{kind}_")]
    if not ours:
        return
    identifier = rng.choice(ours)
    if kind == "opr" and stage.call("GET", f"/operations/{identifier}")[0] != 200:
        return  # it is the other's own
    spot = "{" + kind + "}"
    sent = None if body is None else {k: v.replace(spot, identifier) for k, v in body.items()}
    method = "GET" if (path, None) in [(read, None) for read in READS] else "POST"
    status, shown = stage.call(
        method, path.replace(spot, identifier), sent, token=stage.other_token
    )
    stage.tell(f"another marketplace: {method} {path} {status}")
    if status not in (404, 422):
        stage.wrong(f"{method} {path} of another marketplace answered {status}")
    if set(PUBLIC_ID.findall(str(shown))) - {identifier}:
        stage.wrong(f"{method} {path} of another marketplace told {shown}")


def untouched(stage: Stage) -> None:
    """The other marketplace's money and rows are what they were."""
    _, shown = stage.call("GET", "/users/ann/balance", token=stage.other_token)
    if (shown["available"], shown["total"]) != ("7.00", "7.00"):
        stage.wrong(f"the other marketplace's user has {shown}")
    with connection.cursor() as cursor:
        for table in ("orders_order", "payouts_withdrawal", "disputes_dispute"):
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE marketplace_id = %s",
                [stage.other],
            )
            if cursor.fetchone() != (0,):
                stage.wrong(f"the other marketplace has rows in {table}")


def no_secret_is_kept(stage: Stage) -> None:
    """No column of any table holds a seed or a key in the clear (I11)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = sorted(row[0] for row in cursor.fetchall())
        asked = " UNION ALL ".join(
            f"SELECT '{table}' FROM \"{table}\" t WHERE t::text ~ %(secret)s" for table in tables
        )
        secret = rf"\mS[A-Z2-7]{{55}}\M|{stage.token}|{stage.other_token}"
        cursor.execute(f"SELECT DISTINCT * FROM ({asked}) found", {"secret": secret})
        for (table,) in cursor.fetchall():
            stage.wrong(f"{table} holds a secret")
