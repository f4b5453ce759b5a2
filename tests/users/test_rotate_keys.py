"""`manage.py rotate_keys` puts every secret under the newest key, and every wallet still signs."""

import base64
import os
from io import StringIO
from typing import Any

from django.core.management import call_command

from offerhub.chain import keys, stellar
from offerhub.users.models import Wallet
from tests.world import World


def test_every_secret_is_sealed_anew_and_still_opens(world: World, settings: Any) -> None:
    ann = world.user("ann")
    old = settings.KEY_ENCRYPTION_KEYS
    before = bytes(world.wallet(ann).sealed_secret or b"")
    new = base64.b64encode(os.urandom(32)).decode()
    settings.KEY_ENCRYPTION_KEYS = f"rotated:{new},{old}"
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    wallet = world.wallet(ann)
    assert wallet.sealed_by == "rotated"
    assert bytes(wallet.sealed_secret or b"") != before
    assert Wallet.objects.exclude(sealed_secret=None).exclude(sealed_by="rotated").count() == 0
    settings.KEY_ENCRYPTION_KEYS = f"rotated:{new}"
    payment = stellar.build_payment(wallet.address, 1, wallet.address, 1)
    assert keys.sign(payment, wallet)
    call_command("rotate_keys", stdout=said)
    assert said.getvalue().endswith("0 wallets sealed anew, none is left under an older key\n")
    settings.KEY_ENCRYPTION_KEYS = f"{old},rotated:{new}"
    call_command("rotate_keys", stdout=StringIO())  # as it was, for the tests that follow
