"""The product's settings on the tests' own database server.

pytest-django reads the settings before any conftest is imported, so the server is started here.
"""

import os

from tests import database

os.environ.setdefault("LOG_LEVEL", "ERROR")
if not os.environ.get("DATABASE_URL"):
    os.environ["DATABASE_URL"] = database.start()

from offerhub.settings import *  # noqa: F403
