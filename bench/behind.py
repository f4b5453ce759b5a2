"""`manage.py up` whose processes reach database and network through addresses of somebody's own.

    python -m bench.behind DATABASE_URL SANDBOX_URL --port 8000

The supervisor starts and watches both where they are, and `run.json` names the network itself; only
what the processes are told is different.
"""

import argparse
import os
import sys

from offerhub import postgres


def main() -> None:
    """Bring it up; the exit status is that of `manage.py up`."""
    parser = argparse.ArgumentParser(prog="python -m bench.behind")
    parser.add_argument("database")
    parser.add_argument("sandbox")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    postgres.own_server = postgres.server_command()
    os.environ["DATABASE_URL"] = options.database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
    import django

    django.setup()
    sys.exit(_bring_up(options.port, options.sandbox))


def _bring_up(port: int, sandbox: str) -> int:
    from django.conf import settings

    from offerhub.management.bringup import BringUp
    from offerhub.supervisor.console import Screen

    class Behind(BringUp):
        def _place_the_sandbox(self) -> None:
            super()._place_the_sandbox()
            os.environ["OFFERHUB_SANDBOX_URL"] = settings.SANDBOX_URL = sandbox

    return Behind(Screen(), "127.0.0.1", port, None).run()


if __name__ == "__main__":
    main()
