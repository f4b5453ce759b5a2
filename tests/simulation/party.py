"""A seller who holds their own key: each step is handed to them, and they sign it, or do not."""

import random

from stellar_sdk import TransactionEnvelope

from tests.simulation.asking import ask
from tests.simulation.stage import PARTY, Stage


def sign(stage: Stage, rng: random.Random) -> None:
    """Sign what waits for one of the last orders; or ask for another envelope; or call it off."""
    rows = [o for o in stage.model.orders.values() if o.seller == PARTY and not o.over][-6:]
    for row in rows:
        _, shown = stage.call("GET", f"/orders/{row.id}")
        operation = shown["operation"]
        if operation is not None and operation["status"] == "AWAITING_SIGNATURE":
            _answer(stage, rng, f"/operations/{operation['id']}", operation["unsignedXdr"])
            return


def _answer(stage: Stage, rng: random.Random, path: str, unsigned: str | None) -> None:
    what = rng.random()
    if what < 0.8 and unsigned:
        passphrase = stage.sandbox.network.options.passphrase
        envelope = TransactionEnvelope.from_xdr(unsigned, passphrase)
        envelope.sign(stage.party)
        ask(stage, rng, f"{path}/signature", {"signedXdr": envelope.to_xdr()})
    elif what < 0.9:
        ask(stage, rng, f"{path}/envelope")
    else:
        ask(stage, rng, f"{path}/cancel", {})
