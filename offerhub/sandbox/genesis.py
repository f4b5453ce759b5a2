"""The first ledger: who exists before anybody came."""

from offerhub.sandbox import assets
from offerhub.sandbox.host import Contracts
from offerhub.sandbox.keys import PASSPHRASE, Keys
from offerhub.sandbox.ledger import (
    AUTH_CLAWBACK,
    AUTH_REVOCABLE,
    LINE_AUTHORIZED,
    Account,
    Ledger,
    Line,
)
from offerhub.sandbox.options import Options
from offerhub.sandbox.scenario_table import scripted

TOTAL_XLM = 50_000_000_000 * assets.ONE
OWN_XLM = 1_000_000_000 * assets.ONE


def usdc(keys: Keys) -> str:
    """The test dollar, as asset text."""
    return f"USDC:{keys.keypair('issuer').public_key}"


def contracts(keys: Keys, options: Options) -> Contracts:
    """The factory, the vendor's fee address and the first token contracts."""
    made = Contracts(
        passphrase=options.passphrase,
        factory=keys.factory,
        fee_address=keys.keypair("fees").public_key,
        protocol_fee_bps=options.protocol_fee_bps,
        tokens={},
        scripted=scripted(usdc(keys)) if options.scenarios else {},
    )
    made.know(assets.NATIVE)
    made.know(usdc(keys))
    return made


def fill(ledger: Ledger, keys: Keys) -> None:
    """Create the root account (friendbot), the issuer and the vendor's fee account."""
    line = {usdc(keys): Line(flags=LINE_AUTHORIZED)}
    root, issuer, fees = (keys.keypair(n).public_key for n in ("root", "issuer", "fees"))
    ledger.put_account(Account(id=root, sequence=0, balance=TOTAL_XLM - 2 * OWN_XLM))
    flags = AUTH_REVOCABLE | AUTH_CLAWBACK
    ledger.put_account(Account(id=issuer, sequence=0, balance=OWN_XLM, flags=flags))
    ledger.put_account(Account(id=fees, sequence=0, balance=OWN_XLM, lines=line))


__all__ = ["PASSPHRASE", "contracts", "fill", "usdc"]
