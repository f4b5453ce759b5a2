"""Signatures against signers and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from stellar_sdk import Keypair
from stellar_sdk.exceptions import BadSignatureError

from offerhub.sandbox.codec import account_key
from offerhub.sandbox.envelope import Signature
from offerhub.sandbox.ledger import Account


@lru_cache(maxsize=65536)
def _keypair(address: str) -> Keypair:
    return Keypair.from_public_key(address)


def _verified(address: str, digest: bytes, signature: bytes) -> bool:
    try:
        _keypair(address).verify(digest, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


class SignatureCheck:
    """Counts the weight of valid signatures, and remembers which ones were needed."""

    def __init__(self, digest: bytes, signatures: Sequence[Signature]) -> None:
        self._digest = digest
        self._signatures = signatures
        self._used: set[int] = set()
        self._seen: dict[tuple[int, str], bool] = {}

    def _signed(self, index: int, key: str) -> bool:
        known = self._seen.get((index, key))
        if known is None:
            signature, raw = self._signatures[index], account_key(key)
            known = signature.hint == raw[-4:] and _verified(key, self._digest, signature.value)
            self._seen[(index, key)] = known
        return known

    def satisfied(self, address: str, account: Account | None, level: int) -> bool:
        """Whether the account's signers reach its threshold (level 1 low, 2 medium, 3 high).

        An account that does not exist yet must be signed by its own key.
        """
        signers = [(address, 1)]
        needed = 0
        if account is not None:
            signers = [(signer.key, signer.weight) for signer in account.signers]
            signers.append((address, account.thresholds[0]))
            needed = account.thresholds[level]
        weight = 0
        for index in range(len(self._signatures)):
            for key, worth in signers:
                if worth and self._signed(index, key):
                    self._used.add(index)
                    weight += worth
                    signers = [item for item in signers if item[0] != key]
                    break
            if weight and weight >= needed:
                return True
        return False

    @property
    def all_used(self) -> bool:
        """Whether every signature was needed by somebody."""
        return len(self._used) == len(self._signatures)
