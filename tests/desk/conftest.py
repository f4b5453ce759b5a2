"""People at the desk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from offerhub.marketplaces import staff

SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


@pytest.fixture
def desk(db: None) -> SignIn:
    """`desk("support")`: a client of somebody with these roles, signed in."""

    def sign_in(*roles: str) -> Client:
        new = staff.create_staff(
            username=f"p{uuid4().hex[:12]}", password="correct horse battery", roles=roles
        )
        client = Client()
        client.force_login(new.user, "django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
