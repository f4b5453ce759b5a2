"""A seller who holds their own key: each step is handed to them, and they sign it, or do not."""

import random

from stellar_sdk import TransactionEnvelope

from tests.simulation.asking import ask
from tests.simulation.stage import PARTY, Stage


def sign(stage: Stage, rng: random.Random) -> None:
    """Sign what waits for one of the last orders; or ask for another envelope; or call it off."""
    rows = [o for o in stage.model.orders.values() if o.seller == PARTY and not o.over][-6:]
    if not rows:
        return
    _, shown = stage.call("GET", f"/orders/{rng.choice(rows).id}")
    operation = shown["operation"]
    if operation is None or operation["status"] != "AWAITING_SIGNATURE":
        return
    path, what = f"/operations/{operation['id']}", rng.random()
    if what < 0.8 and operation["unsignedXdr"]:
        envelope = TransactionEnvelope.from_xdr(
            operation["unsignedXdr"], stage.sandbox.network.options.passphrase
        )
        envelope.sign(stage.party)
        ask(stage, rng, f"{path}/signature", {"signedXdr": envelope.to_xdr()})
    elif what < 0.9:
        ask(stage, rng, f"{path}/envelope")
    else:
        ask(stage, rng, f"{path}/cancel", {})
