"""Fee money for the platform wallet on test networks, where it costs nothing.

Friendbot gives each new account 10,000 XLM once, so a throwaway account is made and its money sent
on. On a real network the operator sends XLM to the platform wallet.
"""

from django.db.models import F
from stellar_sdk import Keypair, TransactionEnvelope

from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.types import Verdict
from offerhub.core.money import UNIT
from offerhub.users.models import Wallet
from offerhub.wallets.services import PLATFORM_LOW

PORTION = 9_990 * UNIT


def refill(wallet: Wallet) -> bool:
    """Send the platform wallet another portion, if it is low; whether it was sent."""
    if not current().friendbot_url or wallet.fee_budget >= PLATFORM_LOW:
        return False
    keypair = Keypair.random()
    stellar.friendbot(keypair.public_key)
    sequence = stellar.account(keypair.public_key).sequence
    envelope = stellar.build_top_up(keypair.public_key, sequence, wallet.address, PORTION)
    signed = TransactionEnvelope.from_xdr(envelope.xdr, current().passphrase)
    signed.sign(keypair)
    stellar.submit(signed.to_xdr())
    if stellar.look_up(envelope.hash).verdict is not Verdict.CONFIRMED:
        return False
    Wallet.objects.filter(pk=wallet.pk).update(fee_budget=F("fee_budget") + PORTION)
    return True
