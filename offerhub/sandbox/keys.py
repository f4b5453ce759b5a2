"""Everything secret or published that derives from the seed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from stellar_sdk import Keypair

from offerhub.sandbox.codec import contract_text

PASSPHRASE = "Offerhub Sandbox Network ; 2026"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Keys:
    """The network's own accounts, its factory and its one API key."""

    seed: str

    def material(self, name: str) -> bytes:
        """32 bytes that only this seed and this name give."""
        return hmac.digest(self.seed.encode(), name.encode(), hashlib.sha256)

    def keypair(self, name: str) -> Keypair:
        """The key pair of a named account: root, issuer, fees or any other."""
        return Keypair.from_raw_ed25519_seed(self.material(f"account {name}"))

    @property
    def factory(self) -> str:
        """C... of the contract that deploys escrows."""
        return contract_text(self.material("factory"))

    @property
    def wasm_hash(self) -> bytes:
        """The code hash that deploy calls name; there is no code behind it."""
        return self.material("wasm")

    @property
    def api_key(self) -> str:
        """``<id>.<secret>``, as the escrow API's keys look."""
        secret = base64.urlsafe_b64encode(self.material("api key")).decode().rstrip("=")
        return f"sandbox.{secret}"
