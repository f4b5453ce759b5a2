"""A build that was tampered with on its way is refused before anything is signed."""

from collections.abc import Callable

import pytest
from stellar_sdk import TransactionEnvelope

from offerhub.chain import keys, stellar, trustless_work
from offerhub.chain.inspection import same_transaction
from offerhub.chain.network import current
from offerhub.chain.trustless_work import MULTI, SINGLE
from offerhub.chain.types import Envelope, EnvelopeRefused
from offerhub.core.money import UNIT
from tests.chain.conftest import Deal, apply

MUTATIONS = [
    "wrong-amount",
    "other-receiver",
    "other-signer",
    "other-contract",
    "other-function",
    "wrong-index",
    "extra-argument",
    "missing-argument",
    "extra-operation",
    "payment-instead",
    "other-source",
    "operation-source",
    "huge-fee",
    "missing-max-time",
    "far-max-time",
    "extra-auth-entry",
    "deeper-auth",
    "memo",
]
# Calls that name a milestone. A wrong sequence number is not refused: such an envelope can not
# apply, or pays what was asked, and the rule of the submission covers both.
INDEXED = {
    SINGLE: {"change_status", "approve"},
    MULTI: {"change_status", "approve", "release", "dispute", "resolve"},
}


def _calls(deal: Deal, kind: str) -> dict[str, Callable[[], Envelope]]:
    """Each call in a state in which the provider builds it."""
    amounts = (100,) if kind == SINGLE else (100, 50)
    buyer, seller, resolver = deal.buyer.address, deal.seller.address, deal.resolver.address
    unfunded = deal.deployed(kind, *amounts)
    contract = deal.deployed(kind, *amounts, funded=True)
    approved = deal.deployed(kind, *amounts, funded=True)
    disputed = deal.deployed(kind, *amounts, funded=True)
    send = trustless_work.send
    for address in (contract, approved):
        done = trustless_work.change_status(kind, address, seller, 0, "completed", "")
        apply(done, deal.seller, send=send)
    apply(trustless_work.approve(kind, approved, buyer, 0), deal.buyer, send=send)
    apply(trustless_work.dispute(kind, disputed, buyer, 0), deal.buyer, send=send)
    return {
        "deploy": lambda: trustless_work.deploy(buyer, deal.new(kind, *amounts)),
        "fund": lambda: trustless_work.fund(kind, unfunded, buyer, sum(amounts) * UNIT),
        "change_status": lambda: trustless_work.change_status(
            kind, contract, seller, 0, "completed", ""
        ),
        "approve": lambda: trustless_work.approve(kind, contract, buyer, 0),
        "release": lambda: trustless_work.release(kind, approved, buyer, 0),
        "dispute": lambda: trustless_work.dispute(kind, contract, buyer, 0),
        "resolve": lambda: trustless_work.resolve(
            kind, disputed, resolver, 0, {buyer: 60 * UNIT, seller: 40 * UNIT}
        ),
    }


@pytest.mark.parametrize("kind", [SINGLE, MULTI])
def test_every_tampered_build_of_every_call_is_refused(deal: Deal, kind: str) -> None:
    for name, call in _calls(deal, kind).items():
        # Of this call alone: another request must not take the fault.
        path = f"/deployer/{kind}" if name == "deploy" else f"/escrow/{kind}"
        honest = call()
        assert TransactionEnvelope.from_xdr(honest.xdr, current().passphrase).hash_hex() == (
            honest.hash
        )
        for mutation in MUTATIONS:
            if mutation == "wrong-index" and name not in INDEXED[kind]:
                continue
            deal.network.fault("tampered", path, method="POST", mutation=mutation)
            with pytest.raises(EnvelopeRefused):
                call()
                pytest.fail(f"{name} was taken with {mutation}")


def test_a_release_of_another_milestone_is_refused(deal: Deal) -> None:
    contract = deal.deployed(MULTI, 100, 50, funded=True)
    for index in (0, 1):
        done = trustless_work.change_status(MULTI, contract, deal.seller.address, index, "x", "")
        apply(done, deal.seller, send=trustless_work.send)
        ok = trustless_work.approve(MULTI, contract, deal.buyer.address, index)
        apply(ok, deal.buyer, send=trustless_work.send)
    deal.network.fault("tampered", "/", method="POST", mutation="wrong-index")
    with pytest.raises(EnvelopeRefused):
        trustless_work.release(MULTI, contract, deal.buyer.address, 1)


def test_only_the_handed_out_transaction_comes_back_as_the_same(deal: Deal) -> None:
    sequence = stellar.account(deal.buyer.address).sequence
    one = stellar.build_payment(deal.buyer.address, sequence, deal.seller.address, UNIT)
    other = stellar.build_payment(deal.buyer.address, sequence, deal.seller.address, 2 * UNIT)
    assert same_transaction(one.xdr, keys.sign(one, deal.buyer))
    assert not same_transaction(one.xdr, keys.sign(other, deal.buyer))
    assert not same_transaction(one.xdr, "not an envelope")
