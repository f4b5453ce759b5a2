"""A rehearsal of an upgrade with no stop: an older version and this one at once on one database.

    python -m tests.upgrades REVISION              any that git knows here
    python -m tests.upgrades REVISION --seconds 60 --keep-logs var/upgrade

An installation of that revision is started and deals are made through its web server. Under that
load this version migrates the database and starts its own web server, worker, monitor and deliverer
beside the older ones; then deals go through both, and each process of the older version is killed
and starts again on the newer tables. In the end the older version is stopped, and what is left is
done by the newer one. Everything must have ended, with every stroop in its place. Exit status 1 if
not. Nothing outside a folder of its own is touched.
"""

import argparse
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from bench.instance import ROOT, own_folder
from offerhub import postgres
from offerhub.supervisor import ports


def main() -> int:
    """Rehearse; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.upgrades",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("revision", help="the older version")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each part (default: 30)")
    parser.add_argument("--players", type=int, default=4, help="pairs at each web server")
    parser.add_argument("--keep-logs", type=Path, help="a folder to put the processes' logs into")
    options = parser.parse_args()
    with own_folder() as folder:
        _unpack(options.revision, folder / "older")
        environment = os.environ | {
            "DATABASE_URL": postgres.ensure_running(folder / "postgres"),
            "OFFERHUB_VAR": str(folder / "var"),
            "OFFERHUB_SANDBOX_URL": f"http://127.0.0.1:{ports.any_free()}",
            "OFFERHUB_API_WAIT_SECONDS": "3",
            "DISPUTE_APPROVAL_DAY_SUM": "",
            "LOG_LEVEL": "INFO",
        }
        words = (str(folder), str(options.seconds), str(options.players))
        command = [sys.executable, "-m", "tests.upgrades.rehearsal", *words]
        try:
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        finally:
            postgres.stop(folder / "postgres")
            if options.keep_logs:
                options.keep_logs.mkdir(parents=True, exist_ok=True)
                for log in (*folder.glob("*.log"), *(folder / "var" / "log").glob("*.log")):
                    (options.keep_logs / log.name).write_bytes(log.read_bytes())


def _unpack(revision: str, folder: Path) -> None:
    """The files of that revision."""
    command = ["git", "archive", "--format=tar", revision]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


if __name__ == "__main__":
    sys.exit(main())
