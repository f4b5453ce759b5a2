#!/usr/bin/env python
"""Offerhub's command line. `python manage.py up` starts everything."""

import os
import sys
from pathlib import Path

# These need no database.
WITHOUT_DATABASE = {"demo", "sandbox", "openapi", "help", "--help", "version", "--version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
    _read_env_file()
    if not os.environ.get("DATABASE_URL"):
        _use_own_database(sys.argv[1] if len(sys.argv) > 1 else "help")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _use_own_database(command: str) -> None:
    """Start it in the background, except for `up`, which runs it as its own child."""
    from offerhub import postgres

    if command in WITHOUT_DATABASE or {"-h", "--help"} & set(sys.argv):
        return
    if command == "up":
        print("Starting …", flush=True)  # noqa: T201 (for a person; loading takes seconds)
        postgres.own_server = postgres.server_command()
        os.environ["DATABASE_URL"] = postgres.own_server.url
    else:
        os.environ["DATABASE_URL"] = postgres.ensure_running()


def _read_env_file() -> None:
    """Before anything else looks at the environment: OFFERHUB_VAR says where everything is."""
    path = Path(__file__).resolve().parent / ".env"
    if path.exists():
        import environ

        environ.Env.read_env(path)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # while it was still loading: nothing has begun
        sys.exit(130)
