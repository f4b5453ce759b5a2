"""How wallet operations meet the chain: classic transactions, paid by the platform wallet."""

from dataclasses import replace

from offerhub.chain import keys, stellar
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.types import ChainFact, Envelope, Outcome
from offerhub.wallets import services
from offerhub.wallets.models import WalletOperation

Kind = WalletOperation.Kind


class WalletDriver(LedgerReads):
    """Driver of WalletOperation."""

    def build(self, row: WalletOperation) -> Envelope:
        """A trustline, a sponsored account, or a payment of fee money."""
        source = row.source_wallet.address
        account = stellar.account(source)
        sequence = account.sequence
        if row.kind == Kind.BOOTSTRAP:
            return replace(stellar.build_trustline(source, sequence), meta={"xlm": account.xlm})
        if row.kind == Kind.ACTIVATE:
            return stellar.build_activation(
                source, sequence, row.wallet.address, services.fee_float()
            )
        return stellar.build_top_up(source, sequence, row.wallet.address, services.fee_float())

    def sign(self, row: WalletOperation, envelope: Envelope) -> str:
        """The platform signs; a wallet that comes to life signs as well, for its trustline."""
        if row.kind == Kind.ACTIVATE:
            return keys.sign(envelope, row.source_wallet, row.wallet)
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: WalletOperation) -> Outcome:
        """Submit to the network."""
        return stellar.submit(row.xdr)

    def confirm(self, row: WalletOperation, fact: ChainFact) -> None:
        """Carry the fact into the books."""
        services.confirm(row.id, fact)

    def fail(self, row: WalletOperation, code: str, detail: str, fact: ChainFact | None) -> None:
        """Carry the proven failure into the books."""
        services.fail(row.id, code, detail, fact)

    def retire(self, row: WalletOperation, code: str, fact: ChainFact) -> None:
        """Book the charge of an envelope that another one follows."""
        services.retire(row, code, fact)


DRIVER = WalletDriver()
