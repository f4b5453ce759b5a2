"""The database that `bench.ledger` posts to: durable, fresh, with users who have money."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from offerhub import postgres

ROOT = Path(__file__).resolve().parent.parent
SERVER = postgres.VAR / "bench-postgres"
DATABASE = "bench_ledger"
USERS = 10_000
MARKETS = 50  # of the spread figure, each with USERS / MARKETS users and fee accounts of its own


def prepared_database() -> str:
    """A fresh database on a durable server of the bench's own, with users who have money."""
    server = postgres.ensure_running(SERVER)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
    url = server.replace("/postgres?", f"/{DATABASE}?")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"],
        check=True,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
    )
    with psycopg.connect(make_conninfo(server, dbname=DATABASE), autocommit=True) as session:
        _fill(session, "mkt_hot", [f"hot{n}" for n in range(1, USERS + 1)])
        for place in range(MARKETS):
            _fill(session, f"mkt_{place}", [f"spread{place}-{n}" for n in range(USERS // MARKETS)])
        session.execute("VACUUM ANALYZE")
    return url


def _fill(session: "psycopg.Connection[Any]", market: str, users: list[str]) -> None:
    insert(session, "marketplaces_marketplace", [{"id": market, "name": market}])
    names = [{"id": u, "marketplace_id": market, "external_id": u} for u in users]
    insert(session, "users_user", names)
    for start in range(0, len(users), 500):
        deposits = [
            {
                "marketplace": market,
                "kind": "deposit",
                "source": f"deposit:{user}",
                "lines": [
                    {"kind": "wallet", "owner": f"G{user}", "asset": "USDC", "amount": 10**12},
                    {
                        "kind": "available",
                        "owner": user,
                        "asset": "USDC",
                        "user": user,
                        "amount": -(10**12),
                    },
                ],
            }
            for user in users[start : start + 500]
        ]
        session.execute("SELECT count(*) FROM ledger_post_many(%s)", [json.dumps(deposits)])


# `given` rows; columns that are not given and may not be null get an empty value of theirs.
_INSERT = """
INSERT INTO {table} SELECT r.* FROM jsonb_array_elements(%s) AS given,
jsonb_populate_record(NULL::{table}, (
    SELECT jsonb_object_agg(a.attname, CASE format_type(a.atttypid, NULL)
        WHEN 'jsonb' THEN '{}'::jsonb WHEN 'boolean' THEN 'false'
        WHEN 'timestamp with time zone' THEN to_jsonb(now())
        WHEN 'character varying' THEN '""' ELSE '0' END)
    FROM pg_attribute a
    WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND a.attnotnull
) || given) AS r
"""


def insert(session: "psycopg.Connection[Any]", table: str, values: list[dict[str, Any]]) -> None:
    """Write rows, past the models."""
    session.execute(_INSERT.replace("{table}", table), [json.dumps(values)])
