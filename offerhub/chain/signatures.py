"""What a party with its own key hands in, compared with what it was handed before it is kept."""

import base64

from stellar_sdk import Keypair
from stellar_sdk.exceptions import BadSignatureError

from offerhub.chain.inspection import hash_of, raw_of
from offerhub.chain.types import EnvelopeRefused


class SignatureWrong(Exception):
    """What a party handed in is not the envelope that it was given with its own signature alone;
    `reason` is one of the words that the API tells."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        super().__init__(text)


_ONE_SIGNATURE = 4 + 4 + 4 + 64  # bytes: the count, the hint, the length, the signature


def read_signed(handed_out: str, signed: str, address: str) -> str:
    """The signed envelope in its one form, when it is exactly the envelope that was handed out
    with one signature of this account behind it. Compared byte by byte, so that nothing can be
    added or changed. Raises SignatureWrong."""
    given = raw_of(handed_out)
    try:
        raw = raw_of(signed)
    except (EnvelopeRefused, ValueError) as error:
        raise SignatureWrong("unreadable", "It is no transaction envelope in base64") from error
    if raw == given:
        raise SignatureWrong("unsigned", "It carries no signature")
    body = given[:-4]  # an unsigned envelope ends with a count of zero signatures
    if raw[: len(body)] != body:
        raise SignatureWrong("differs", "It is another transaction than the one handed out")
    rest = raw[len(body) :]
    if int.from_bytes(rest[:4], "big") != 1 or len(rest) != _ONE_SIGNATURE:
        raise SignatureWrong("signatures", "It must carry one signature and nothing more")
    keypair = Keypair.from_public_key(address)
    try:
        if rest[4:8] != keypair.signature_hint() or rest[8:12] != bytes([0, 0, 0, 64]):
            raise BadSignatureError("the hint is of another key")
        keypair.verify(bytes.fromhex(hash_of(given)), rest[12:])
    except BadSignatureError as error:
        text = f"It is not signed by {address} for this network"
        raise SignatureWrong("signer", text) from error
    return base64.b64encode(raw).decode()
