"""`manage.py verify` over a million postings, beside a plain scan of the same rows.

    python -m bench verify

Orders that were reserved and cancelled, of a thousand users with a deposit each, all of it sealed.
The books' part is measured (`--books-only`): what the chain adds is one request per 60 wallets.
"""

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.ledger_database import ROOT, SERVER, insert
from offerhub import postgres

DATABASE = "bench_verify"
MARKET, USERS, ORDERS = "mkt_bench", 1000, 250_000  # two entries of two lines for each order
BIG, SMALL = 10**15, 10_000_000

Row = dict[str, Any]


def run() -> list[Row]:
    """Every figure as {name, value, unit, ratio, limit}."""
    server = postgres.ensure_running(SERVER)
    try:
        url = _prepared(server)
        with psycopg.connect(make_conninfo(server, dbname=DATABASE), autocommit=True) as session:
            postings = _count(session)
            scan = min(_scan(session) for _ in range(3))
        seconds, report = _verify(url)
    finally:
        postgres.stop_if_unused(SERVER)
    if not report["ok"]:
        raise SystemExit(f"clean books do not verify: {report}")
    million = seconds * 1_000_000 / postings
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    slowest = max(report["facts"], key=lambda fact: float(fact["seconds"]))
    return [
        _row("postings", postings, ""),
        _row("a plain scan of them", scan, "s"),
        _row("verify, of a million", million, "s", million / (scan * 1_000_000 / postings), 180),
        _row(f"slowest: {slowest['name']}", float(slowest["seconds"]), "s"),
        _row("resident at most", peak, "MB"),
    ]


def _row(
    name: str, value: float, unit: str, ratio: float | None = None, limit: float | None = None
) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "ratio": ratio, "limit": limit}


def _verify(url: str) -> tuple[float, Row]:
    """Wall time of the command, start and all, and what it found."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "manage.py", "verify", "--books-only", "--json"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    if not done.stdout:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began, json.loads(done.stdout)


def _scan(session: "psycopg.Connection[Any]") -> float:
    began = time.perf_counter()
    session.execute("SELECT count(*), sum(amount), max(balance_after) FROM ledger_posting")
    return time.perf_counter() - began


def _count(session: "psycopg.Connection[Any]") -> int:
    row = session.execute("SELECT count(*) FROM ledger_posting").fetchone()
    return int(row[0]) if row else 0


# --- the database ------------------------------------------------------------------------------
def _prepared(server: str) -> str:
    url = server.replace("/postgres?", f"/{DATABASE}?")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"],
        check=True,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
    )
    with psycopg.connect(make_conninfo(server, dbname=DATABASE), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        _records(session)
        for statement in filter(None, map(str.strip, _BOOKS.split(";\n"))):
            cursor = psycopg.ClientCursor(session)
            cursor.execute(statement, {"market": MARKET, "users": USERS, "orders": ORDERS})
        session.execute("VACUUM ANALYZE")
        while session.execute("SELECT ledger_seal(10000000, 1000)").fetchone() != (0,):
            pass
    return url


def _records(session: "psycopg.Connection[Any]") -> None:
    insert(session, "marketplaces_marketplace", [{"id": MARKET, "name": "Bench"}])
    people = range(USERS)
    insert(
        session,
        "users_user",
        [{"id": f"u{n}", "marketplace_id": MARKET, "external_id": f"u{n}"} for n in people],
    )
    wallets = [
        {"id": f"w{n}", "marketplace_id": MARKET, "user_id": f"u{n}", "address": f"G{n}",
         "kind": "MANAGED", "status": "ACTIVE", "sealed_secret": "\\x01"}
        for n in people
    ]  # fmt: skip
    insert(session, "users_wallet", wallets)
    deposits = [
        {"id": f"d{n}", "marketplace_id": MARKET, "user_id": f"u{n}", "network": "sandbox",
         "operation": str(n), "address": f"G{n}", "holder": "wallet", "asset_code": "USDC",
         "amount": BIG, "status": "CREDITED", "tx_hash": f"{n:064x}", "ledger": 7,
         "closed_at": "2026-01-01T00:00:00Z"}
        for n in people
    ]  # fmt: skip
    insert(session, "deposits_deposit", deposits)
    for start in range(0, ORDERS, 10_000):
        numbers = range(start, min(start + 10_000, ORDERS))
        orders = [
            {"id": f"o{n}", "marketplace_id": MARKET, "buyer_id": f"u{n % USERS}",
             "seller_id": f"u{(n + 1) % USERS}", "amount": SMALL, "status": "CANCELLED",
             "milestones_left": 1}
            for n in numbers
        ]  # fmt: skip
        insert(session, "orders_order", orders)
        parts = [
            {"id": f"m{n}", "order_id": f"o{n}", "ref": "m1", "amount": SMALL, "status": "OPEN"}
            for n in numbers
        ]
        insert(session, "orders_milestone", parts)


# Set by set, as `ledger_post` would have written it one by one.
_BOOKS = f"""
INSERT INTO ledger_account (id, marketplace_id, kind, owner, asset, user_id, side, floor, mode,
    open)
SELECT 'aa' || n, %(market)s, 'available', 'u' || n, 'USDC', 'u' || n, -1, 0, 'live', true
FROM generate_series(0, %(users)s - 1) n
UNION ALL
SELECT 'aw' || n, %(market)s, 'wallet', 'G' || n, 'USDC', NULL, 1, 0, 'live', true
FROM generate_series(0, %(users)s - 1) n
UNION ALL
SELECT 'ar' || n, %(market)s, 'reserved', 'o' || n, 'USDC', 'u' || n %% %(users)s, -1, 0, 'live',
       false
FROM generate_series(0, %(orders)s - 1) n;
CREATE TEMP TABLE fact AS
SELECT n + 1 AS number, 'ed' || n AS id, 'deposit' AS kind,
       'deposit:sandbox:' || n || ':G' || n || ':USDC:0' AS source,
       lpad(to_hex(n), 64, '0') AS hash, 7 AS ledger,
       timestamptz '2026-01-01 00:00Z' AS at, 'aw' || n AS debit, 'aa' || n AS credit,
       {BIG}::bigint AS amount, {BIG}::bigint AS debit_after, {BIG}::bigint AS credit_after,
       1 AS debit_version, 1 AS credit_version
FROM generate_series(0, %(users)s - 1) n
UNION ALL
SELECT %(users)s + 2 * n + 1 + k, 'e' || k || n, CASE k WHEN 0 THEN 'reserve' ELSE 'unreserve' END,
       'order:o' || n || CASE k WHEN 0 THEN ':reserve' ELSE ':unreserve' END, '', NULL,
       timestamptz '2026-01-01 00:00Z' + make_interval(secs => 2 * n + k),
       CASE k WHEN 0 THEN 'aa' || n %% %(users)s ELSE 'ar' || n END,
       CASE k WHEN 0 THEN 'ar' || n ELSE 'aa' || n %% %(users)s END, {SMALL},
       CASE k WHEN 0 THEN {BIG} - {SMALL} ELSE 0 END, CASE k WHEN 0 THEN {SMALL} ELSE {BIG} END,
       CASE k WHEN 0 THEN 2 + 2 * (n / %(users)s) ELSE 2 END,
       CASE k WHEN 0 THEN 1 ELSE 3 + 2 * (n / %(users)s) END
FROM generate_series(0, %(orders)s - 1) n, generate_series(0, 1) k;
INSERT INTO ledger_entry (id, marketplace_id, number, kind, source, fingerprint, effective_at,
    recorded_at, description, operation, chain_hash, chain_ledger, actor, request_id, meta)
OVERRIDING SYSTEM VALUE
SELECT id, %(market)s, number, kind, source, sha256(convert_to(concat_ws('|', kind, hash,
    CASE WHEN debit < credit COLLATE "C" THEN ARRAY[debit, credit] ELSE ARRAY[credit, debit] END,
    CASE WHEN debit < credit COLLATE "C" THEN ARRAY[amount, -amount] ELSE ARRAY[-amount, amount]
    END), 'UTF8')), at, at, '', '', hash, ledger, 'bench', '', '{{}}' FROM fact ORDER BY number;
INSERT INTO ledger_posting (id, marketplace_id, entry_id, account_id, asset, amount, balance_after,
    account_version)
OVERRIDING SYSTEM VALUE
SELECT 2 * number - 1, %(market)s, id, debit, 'USDC', amount, debit_after, debit_version FROM fact
UNION ALL
SELECT 2 * number, %(market)s, id, credit, 'USDC', -amount, credit_after, credit_version FROM fact;
INSERT INTO ledger_balance (account_id, amount, version, side, floor)
SELECT a.id, coalesce(sum(p.amount), 0) * a.side, count(p.id), a.side, a.floor
FROM ledger_account a LEFT JOIN ledger_posting p ON p.account_id = a.id GROUP BY a.id
"""
