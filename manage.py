#!/usr/bin/env python
"""Offerhub's command line. `python manage.py up` starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
    if not os.environ.get("DATABASE_URL"):
        from offerhub import postgres

        os.environ["DATABASE_URL"] = postgres.ensure_running()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
