"""The form of signed documents, for the OpenAPI document. Amounts in them are whole stroops, as
texts: what is signed must read the same everywhere."""

from offerhub.api.fields import ChoiceField, IdField, IntegerField, TextField, TimestampField
from offerhub.api.serializers import Shape
from offerhub.core.money import MAX_AMOUNT
from offerhub.reconciliation.serializers import LedgersShape, TreeShape


def _stroops() -> TextField:
    return TextField(max_length=20)


def _digest() -> TextField:
    return TextField(max_length=64)


class ProvedMarketShape(Shape):
    """Whose proof it is."""

    id = IdField()
    name = TextField(max_length=200)


class ProvedAssetShape(Shape):
    """What is owed and held."""

    code = TextField(max_length=12)
    issuer = TextField(max_length=56)


class OwedPartsShape(Shape):
    """To users, and what is nobody's yet."""

    users = _stroops()
    suspense = _stroops()


class OfUsersShape(Shape):
    """What users' money waits for."""

    available = _stroops()
    pending_withdrawal = _stroops()
    in_orders = _stroops()


class OwedShape(Shape):
    """Everything that is owed."""

    total = _stroops()
    parts = OwedPartsShape()
    of_users = OfUsersShape()


class HeldPartsShape(Shape):
    """Where it is held."""

    wallets = _stroops()
    contracts = _stroops()
    platforms = _stroops()


class HeldShape(Shape):
    """What the chain holds, and what the books said of it at the instant of what is owed."""

    total = _stroops()
    parts = HeldPartsShape()
    books_at_that_instant = _stroops()
    on_its_way = _stroops()
    unexplained = _stroops()


class AttachedShape(Shape):
    """SHA-256 of each list that goes with the document."""

    addresses = _digest()
    orders = _digest()


class DocumentShape(Shape):
    """What is signed: its canonical JSON."""

    version = IntegerField(min_value=1, max_value=MAX_AMOUNT)
    id = IdField()
    marketplace = ProvedMarketShape()
    network = TextField(max_length=16)
    asset = ProvedAssetShape()
    taken_at = TimestampField()
    ledger = LedgersShape()
    tree = TreeShape()
    owed = OwedShape()
    held = HeldShape()
    attached = AttachedShape()
    key = TextField(max_length=64)


class HeldAddressShape(Shape):
    """One address at its ledger."""

    address = TextField(max_length=56)
    kind = TextField(max_length=8)
    ledger = IntegerField(min_value=0, max_value=MAX_AMOUNT)
    amount = _stroops()
    books = _stroops()


class OrderMoneyShape(Shape):
    """What is set aside or in escrow for an order."""

    order = IdField()
    user = IdField()
    state = TextField(max_length=8)
    amount = _stroops()


class SignedShape(Shape):
    """A signed document and its lists, for `verify_proof.py`."""

    document = DocumentShape()
    signature = TextField(max_length=128)
    addresses = HeldAddressShape(many=True)
    orders = OrderMoneyShape(many=True)


class LeafShape(Shape):
    """The user's own leaf."""

    user_id = IdField()
    nonce = TextField(max_length=32)
    balance = _stroops()
    position = IntegerField(min_value=0, max_value=MAX_AMOUNT)


class StepShape(Shape):
    """The other node at a step from the leaf to the root."""

    side = ChoiceField(choices=[("left", "left"), ("right", "right")])
    hash = _digest()
    sum = _stroops()


class UserProofShape(Shape):
    """A user's own proof, for `verify_proof.py`: the signed document, their leaf, and the path."""

    document = DocumentShape()
    signature = TextField(max_length=128)
    leaf = LeafShape()
    path = StepShape(many=True)
