"""A database of the simulator's own: made once, emptied for every run, its time the simulator's."""

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from tests import template

CLOCK_SQL = """
CREATE SCHEMA simulated;
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('simulation.now', true), '')::timestamptz,
                   pg_catalog.now()) $$;
CREATE FUNCTION simulated.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT simulated.now() $$;
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT simulated.now() $$;
CREATE FUNCTION simulated.random() RETURNS float8 LANGUAGE sql STABLE AS $$ SELECT 0.5::float8 $$;
"""
PATH = "simulated, public, pg_catalog"


def use(name: str) -> None:
    """Make the database if it is not there or of other tables, and make it the settings'."""
    own = settings.DATABASES["default"]
    tables = template.ensure()
    plan = hashlib.sha256((tables + Path(__file__).read_text()).encode()).hexdigest()
    with _maintenance() as server:
        row = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        ).fetchone()
        ready = row is not None and row[0] == plan
        if not ready:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{tables}"'.encode())
    connection.close()
    own["NAME"] = connection.settings_dict["NAME"] = name
    if not ready:
        _turn_clocks(name)
        with _maintenance() as server:
            server.execute(f"COMMENT ON DATABASE \"{name}\" IS '{plan}'".encode())
        connection.close()


def _maintenance() -> psycopg.Connection[Any]:
    values = connection.settings_dict
    return psycopg.connect(
        dbname="postgres",
        host=values["HOST"] or values.get("OPTIONS", {}).get("host") or "",
        port=values["PORT"] or None,
        user=values["USER"] or None,
        password=values["PASSWORD"] or None,
        autocommit=True,
    )


def _turn_clocks(name: str) -> None:
    """What asks the time of its own, asks the simulator's: defaults, and functions with a path.

    And guards that fire for every role let the rows go when it is said so in between runs."""
    with connection.cursor() as cursor:
        cursor.execute(CLOCK_SQL)
        cursor.execute("""
            SELECT format('ALTER TABLE %I.%I ALTER COLUMN %I SET DEFAULT simulated.now()',
                          table_schema, table_name, column_name)
            FROM information_schema.columns
            WHERE table_schema = 'public' AND column_default ~ '(now|_timestamp)\\(\\)'
            UNION ALL
            SELECT format('ALTER FUNCTION %s SET search_path = simulated, public, pg_catalog,'
                          ' pg_temp', oid::regprocedure)
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proconfig IS NOT NULL
            UNION ALL
            SELECT format('ALTER TABLE %I.%I SET (autovacuum_enabled = false)',
                          schemaname, tablename)
            FROM pg_tables WHERE schemaname = 'public'
            UNION ALL
            SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname)
            FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'""")
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        cursor.execute(f'ALTER DATABASE "{name}" SET search_path TO {PATH}')
        cursor.execute("VACUUM")  # the planner is to know as much before the first run as later


class Clean:
    """The tables as the migrations left them, and how to get back there."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            self._tables = sorted(row[0] for row in cursor.fetchall())
            cursor.execute("CREATE SCHEMA IF NOT EXISTS kept")
            self._kept = self._keep(cursor)

    def _keep(self, cursor: Any) -> list[str]:
        """Copy what a fresh database has rows in; asked once, before the first run."""
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'kept'")
        kept = sorted(row[0] for row in cursor.fetchall())
        if kept:
            return kept
        found = []
        for table in self._tables:
            cursor.execute(f'SELECT EXISTS (SELECT FROM public."{table}")')
            if cursor.fetchone()[0]:
                cursor.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
                found.append(table)
        return found

    def again(self) -> None:
        """Empty what has rows, guards and all, and put the first rows back.

        Rows are deleted and their files cut by VACUUM: to TRUNCATE, PostgreSQL makes the files of
        every table and index anew, which took as long as a hundred steps."""
        has_rows = "SELECT '{0}' WHERE EXISTS (SELECT FROM public.\"{0}\")"
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(" UNION ALL ".join(has_rows.format(table) for table in self._tables))
            full = sorted(row[0] for row in cursor.fetchall())
            for table in full:
                cursor.execute(f'DELETE FROM public."{table}"')
            cursor.execute("VACUUM " + ", ".join(f'public."{table}"' for table in full))
            cursor.execute(
                "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class ON"
                " pg_class.oid = seqrelid WHERE relnamespace = 'public'::regnamespace"
            )
            for table in self._kept:
                cursor.execute(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
            cursor.execute("SET session_replication_role = origin")
