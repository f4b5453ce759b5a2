"""The product's settings on the tests' own database server.

pytest-django reads the settings before any conftest is imported, so the server is started here.
"""

import os

from tests import database
from tests.network import free_port

os.environ.setdefault("LOG_LEVEL", "ERROR")
if not os.environ.get("DATABASE_URL"):
    os.environ["DATABASE_URL"] = database.start()

# Test processes run beside each other; each counts the files of its own folder.
worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["EVIDENCE_DIR"] = str(database.DATA.parent / "test-evidence" / worker)
os.environ["REPORTS_DIR"] = str(database.DATA.parent / "test-reports" / worker)
os.environ["REPORTS_SCRATCH"] = str(database.DATA.parent / "test-reports-unfinished" / worker)

from offerhub.settings import *  # noqa: E402, F403

# Written by a thread of its own, which would meet tests without a database; its test turns it on.
API_CALL_LOG = False

# Each test process has a network of its own. Its address is chosen here and not in a fixture: what
# is set while a test overrides settings would be taken back with them.
SANDBOX_URL = os.environ.get("OFFERHUB_SANDBOX_URL") or f"http://127.0.0.1:{free_port()}"

# An event that is not exactly as the catalogue declares it is refused.
EVENTS_STRICT = True

# The round over all wallets would ask for those of networks that are gone; its tests turn it on.
CLAIM_LOOKS_PER_MINUTE = 0

# The tests' database holds wallets of networks that are gone: no test but those of reconciliation
# compares, and those say what.
RECONCILIATION_SECONDS = PROOF_HOURS = 0.0

PASSWORD_HASHERS = ["tests.cheap.Hasher"]
STATIC_FILES = "whitenoise.middleware.WhiteNoiseMiddleware"
MIDDLEWARE = [
    "tests.cheap.StaticFiles" if each == STATIC_FILES else each
    for each in MIDDLEWARE  # noqa: F405
]
