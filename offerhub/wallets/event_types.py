"""The events of wallets."""

from offerhub.events.catalog import declare
from offerhub.events.fields import ADDRESS, CODE, HASH, Field, identifier
from offerhub.wallets.models import WalletOperation

Kind = WalletOperation.Kind
_DID: dict[Kind, tuple[str, str]] = {
    Kind.BOOTSTRAP: ("The marketplace's own wallet is alive", "It could not be brought to life"),
    Kind.ACTIVATE: ("The wallet is alive and can receive", "It could not be brought to life"),
    Kind.TOP_UP: ("The wallet has fee money again", "It could not be given fee money"),
}


def _wallet(name: str, summary: str, /, **fields: Field) -> None:
    opr = identifier("opr")
    declare(f"wallet.{name}", summary, "wal", operationId=opr, address=ADDRESS, **fields)


for _kind, (_done, _failed) in _DID.items():
    _wallet(f"{_kind.lower()}_confirmed", _done, hash=HASH)
    _wallet(f"{_kind.lower()}_failed", _failed, hash=HASH, code=CODE)
_wallet("retried", "What the wallet needs was asked for again")
