"""Every field of a build that a dishonest provider changes is noticed; what only looks different
is not refused. Each change is made to the real envelope on its way here."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.conf import settings
from stellar_sdk import Keypair, scval

from offerhub.chain import keys, stellar, trustless_work
from offerhub.chain.inspection import LONGEST_LIFE, is_signed_by, same_transaction
from offerhub.chain.network import sandbox_facts, usdc_contract
from offerhub.chain.terms import MULTI, SINGLE
from offerhub.chain.types import BuildRefused, Envelope, EnvelopeRefused
from offerhub.core.money import UNIT
from tests.chain import tampering as t
from tests.chain.conftest import Deal, apply
from tests.chain.relay import Relay

Build = Callable[[], Envelope]
STRANGER = scval.to_address(t.STRANGER)
TOKEN = scval.to_address(t.OTHER_CONTRACT)


def _refused(relay: Relay, build: Build, changes: Mapping[str, t.Change]) -> None:
    """Each change alone is refused, and without one the build is taken before and after."""
    assert build().hash
    for name, change in changes.items():
        t.tamper(relay, change)
        with pytest.raises(EnvelopeRefused):
            build()
            pytest.fail(f"taken with: {name}")
        relay.honest_again()
    assert build().hash


AROUND: dict[str, t.Change] = {
    "ledger bounds": t.ledger_bounds,
    "any sequence": t.any_sequence,
    "sequence age": t.sequence_age,
    "sequence gap": t.sequence_gap,
    "an extra signer": t.extra_signer,
    "not before long": t.not_yet,
    "no expiry": t.for_ever,
    "the last expiry there is": t.until_the_end_of_time,
    "a muxed source": t.muxed_source,
    "a muxed source of the operation": t.muxed_operation_source,
    "an envelope of the old kind": t.old_kind,
    "a fee bump": t.fee_bump,
    "a signature": t.signed_already,
    "an uploaded program": t.uploads_a_program,
    "no operation": t.no_operation,
    "credentials of another": t.foreign_credentials,
    "other authorised arguments": t.other_authorised_arguments,
    "an authorised deployment": t.authorises_a_deployment,
}


def _calls(deal: Deal, kind: str) -> dict[str, Build]:
    """The calls that can be built one after another on one contract."""
    buyer, seller = deal.buyer.address, deal.seller.address
    contract = deal.deployed(kind, 100, *([50] if kind == MULTI else []))
    return {
        "deploy": lambda: trustless_work.deploy(buyer, deal.new(kind, 100)),
        "fund": lambda: trustless_work.fund(kind, contract, buyer, UNIT),
        "status": lambda: trustless_work.change_status(kind, contract, seller, 0, "done", "url"),
    }


@pytest.mark.parametrize("kind", [SINGLE, MULTI])
def test_nothing_around_a_call_may_be_changed(deal: Deal, relay: Relay, kind: str) -> None:
    for build in _calls(deal, kind).values():
        _refused(relay, build, AROUND)


def _deployment(kind: str) -> dict[str, t.Change]:
    def escrow(*path: str | int, value: Any) -> t.Change:
        return t.field(4, 0, *path, value=value)

    def part(name: str, value: Any) -> t.Change:
        return escrow("milestones", 0, name, value=value)

    roles = ["approver", "dispute_resolver", "platform_address", "release_signer"]
    roles += ["service_provider", *(["receiver"] if kind == SINGLE else [])]
    changes: dict[str, t.Change] = {
        "another signer": t.argument(0, STRANGER),
        "another initialisation": t.argument(3, scval.to_symbol("update_escrow")),
        "two contracts": t.argument(4, scval.to_vec([])),
        "constructor arguments": t.argument(5, scval.to_vec([STRANGER])),
        "no salt": t.without_argument(2),
        "another order": escrow("engagement_id", value=scval.to_string("ord_2")),
        "another title": escrow("title", value=scval.to_string("Other")),
        "another description": escrow("description", value=scval.to_string("Other")),
        "another fee": escrow("platform_fee", value=scval.to_uint32(501)),
        "the fee in percent": escrow("platform_fee", value=scval.to_uint32(5)),
        "another asset": escrow("trustline", "address", value=TOKEN),
        "another part": part("description", scval.to_string("other")),
        "a part less": t.one_part_less,
        "another power": t.extra_field(4, 0, "roles", name="admin", value=STRANGER),
        "another field": t.extra_field(4, 0, name="admin", value=STRANGER),
        "a role twice": t.extra_field(4, 0, "roles", name="approver", value=STRANGER),
        "a platform by its newer name": t.extra_field(
            4, 0, "roles", name="platform", value=STRANGER
        ),
    }
    changes |= {f"another {role}": escrow("roles", role, value=STRANGER) for role in roles}
    if kind == SINGLE:
        changes |= {
            "another amount": escrow("amount", value=scval.to_int128(100 * UNIT + 1)),
            "released": escrow("flags", "released", value=scval.to_bool(True)),
            "approved": part("approved", scval.to_bool(True)),
        }
    else:
        changes |= {
            "another part's amount": part("amount", scval.to_int128(100 * UNIT - 1)),
            "another part's receiver": part("receiver", STRANGER),
            "approved": escrow("milestones", 0, "flags", "approved", value=scval.to_bool(True)),
            "a receiver": t.extra_field(4, 0, "roles", name="receiver", value=STRANGER),
        }
    return changes


@pytest.mark.parametrize("kind", [SINGLE, MULTI])
def test_nothing_in_a_deployment_may_be_changed(deal: Deal, relay: Relay, kind: str) -> None:
    amounts = (100,) if kind == SINGLE else (100, 50)
    _refused(
        relay,
        lambda: trustless_work.deploy(deal.buyer.address, deal.new(kind, *amounts)),
        _deployment(kind),
    )


def test_only_listed_programs_are_deployed_when_there_is_a_list(
    deal: Deal, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deploy() -> Envelope:
        return trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))

    wasm = bytes(range(32))
    t.tamper(relay, t.argument(1, scval.to_bytes(wasm)))
    assert deploy().hash
    monkeypatch.setattr(settings, "ESCROW_WASM_HASHES", ["00" * 32], raising=False)
    with pytest.raises(EnvelopeRefused, match="program"):
        deploy()
    monkeypatch.setattr(settings, "ESCROW_WASM_HASHES", ["00" * 32, wasm.hex()])
    assert deploy().hash


def test_nothing_in_a_funding_may_be_changed(deal: Deal, relay: Relay) -> None:
    new, buyer = deal.new(SINGLE, 100), deal.buyer.address
    contract = deal.deployed(SINGLE, 100)
    changes: dict[str, t.Change] = {
        "another funder": t.argument(0, STRANGER),
        "another amount": t.argument(2, scval.to_int128(100 * UNIT + 1)),
        "a negative amount": t.argument(2, scval.to_int128(-100 * UNIT)),
        "the amount as text": t.argument(2, scval.to_string(str(100 * UNIT))),
        "no expectation": t.argument(1, scval.to_void()),
        "another asset": t.field(1, "trustline", "address", value=TOKEN),
        "another resolver": t.field(1, "roles", "dispute_resolver", value=STRANGER),
        "another seller": t.field(1, "roles", "receiver", value=STRANGER),
        "another total": t.field(1, "amount", value=scval.to_int128(1)),
        "a transfer of more": t.inner_transfer("amount", scval.to_int128(1000 * UNIT)),
        "a transfer to another": t.inner_transfer("to", STRANGER),
        "a transfer from another": t.inner_transfer("from", STRANGER),
        "a transfer of another token": t.inner_transfer("token", t.OTHER_CONTRACT),
        "an approval": t.inner_transfer("function", b"approve"),
        "two transfers": t.transfer_twice,
    }
    _refused(relay, lambda: trustless_work.fund(SINGLE, contract, buyer, 100 * UNIT, new), changes)


def test_nothing_in_the_other_calls_may_be_changed(deal: Deal, relay: Relay) -> None:
    """On a contract of two parts, of which one is approved and one is in dispute."""
    buyer, seller, resolver = deal.buyer.address, deal.seller.address, deal.resolver.address
    contract = deal.deployed(MULTI, 100, 50, funded=True)

    def status() -> Envelope:
        return trustless_work.change_status(MULTI, contract, seller, 0, "done", "url")

    def approve() -> Envelope:
        return trustless_work.approve(MULTI, contract, buyer, 0)

    def release() -> Envelope:
        return trustless_work.release(MULTI, contract, buyer, 0)

    def dispute() -> Envelope:
        return trustless_work.dispute(MULTI, contract, buyer, 1)

    def resolve() -> Envelope:
        shares = {buyer: 30 * UNIT, seller: 20 * UNIT}
        return trustless_work.resolve(MULTI, contract, resolver, 1, shares)

    number, text, swapped = scval.to_uint32, scval.to_string, _split(buyer, 20, seller, 30)
    _refused(relay, status, {
        "another part": t.argument(0, number(1)),
        "true for an index": t.argument(0, scval.to_bool(False)),
        "another status": t.argument(1, text("released")),
        "other evidence": t.argument(2, text("other")),
        "no evidence": t.argument(2, scval.to_void()),
        "another seller": t.argument(3, STRANGER),
    })  # fmt: skip
    apply(status(), deal.seller, send=trustless_work.send)
    _refused(relay, approve, {
        "another part": t.argument(0, number(1)),
        "another buyer": t.argument(1, STRANGER),
        "a list of parts": t.argument(0, scval.to_vec([number(0), number(1)])),
    })  # fmt: skip
    apply(approve(), deal.buyer, send=trustless_work.send)
    _refused(relay, release, {
        "another signer": t.argument(0, STRANGER),
        "another receiver of the provider's fee": t.argument(1, STRANGER),
        "another part": t.argument(2, number(1)),
        "no part": t.without_argument(2),
    })  # fmt: skip
    _refused(relay, dispute, {
        "another part": t.argument(0, number(0)),
        "another party": t.argument(1, STRANGER),
    })  # fmt: skip
    apply(dispute(), deal.buyer, send=trustless_work.send)
    _refused(relay, resolve, {
        "another resolver": t.argument(0, STRANGER),
        "another part": t.argument(1, number(0)),
        "another receiver of the provider's fee": t.argument(2, STRANGER),
        "shares the other way round": t.argument(3, swapped),
        "a stroop more": t.argument(3, _split(buyer, 30, seller, 20, more=1)),
        "one party only": t.argument(3, _split(buyer, 50, buyer, 50)),
        "a stranger": t.argument(3, _split(buyer, 30, t.STRANGER, 20)),
    })  # fmt: skip
    left = {buyer: 100 * UNIT}
    apply(release(), deal.buyer, send=trustless_work.send)
    apply(resolve(), deal.resolver, send=trustless_work.send)
    deal.network.mint(contract, "100")
    _refused(relay, lambda: trustless_work.withdraw_remaining(MULTI, contract, resolver, left), {
        "another resolver": t.argument(0, STRANGER),
        "another receiver of the provider's fee": t.argument(1, STRANGER),
        "a stranger": t.argument(2, _split(t.STRANGER, 100, t.STRANGER, 100)),
    })  # fmt: skip


def _split(one: str, amount: int, other: str, rest: int, more: int = 0) -> Any:
    shares = {one: amount * UNIT + more} | {other: rest * UNIT}
    return scval.to_map(
        {scval.to_address(who): scval.to_int128(share) for who, share in shares.items()}
    )


# --- what only looks different ----------------------------------------------------------------
def test_newer_and_older_builds_of_the_contract_are_understood(deal: Deal, relay: Relay) -> None:
    """An index may be a 128-bit number, and the provider's fee address may be built in."""
    buyer, seller = deal.buyer.address, deal.seller.address
    contract = deal.deployed(MULTI, 100, 50, funded=True)
    t.tamper(relay, t.argument(0, scval.to_int128(0)))
    assert trustless_work.change_status(MULTI, contract, seller, 0, "done", "url").hash
    relay.honest_again()
    done = trustless_work.change_status(MULTI, contract, seller, 0, "done", "url")
    apply(done, deal.seller, send=trustless_work.send)
    approved = trustless_work.approve(MULTI, contract, buyer, 0)
    apply(approved, deal.buyer, send=trustless_work.send)
    t.tamper(relay, t.without_argument(1))
    assert trustless_work.release(MULTI, contract, buyer, 0).hash


def test_a_build_without_evidence_may_leave_it_out(deal: Deal, relay: Relay) -> None:
    contract = deal.deployed(SINGLE, 100)
    t.tamper(relay, t.argument(2, scval.to_void()))
    assert trustless_work.change_status(SINGLE, contract, deal.seller.address, 0, "done", "").hash


def test_another_factory_is_refused(deal: Deal, relay: Relay) -> None:
    facts = sandbox_facts(settings.SANDBOX_URL)
    honest = facts["factoryAddress"]
    facts["factoryAddress"] = usdc_contract()
    try:
        with pytest.raises(EnvelopeRefused, match="factory"):
            trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    finally:
        facts["factoryAddress"] = honest


def test_the_address_of_a_contract_is_known_before_it_is_there(deal: Deal) -> None:
    envelope = trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    foretold = envelope.meta["contract_id"]
    apply(envelope, deal.buyer, send=trustless_work.send)
    (found,) = trustless_work.escrows([foretold])
    assert found.contract == foretold


def test_an_envelope_expires_within_the_horizon_and_says_when(deal: Deal) -> None:
    envelope = trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    _, closed_at = stellar.latest_ledger()
    assert closed_at < envelope.valid_until < closed_at + LONGEST_LIFE
    assert envelope.source == deal.buyer.address
    assert 0 < envelope.max_fee <= UNIT


@pytest.mark.parametrize("text", ["", "AAAA", "!", "AAAAAg==", "A" * 300_000, None, 7, {}])
def test_what_is_no_envelope_is_never_signed(deal: Deal, relay: Relay, text: Any) -> None:
    relay.instead("/deployer/", {"status": "SUCCESS", "unsignedTransaction": text}, 201)
    with pytest.raises((EnvelopeRefused, BuildRefused)):
        trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))


def test_bytes_behind_the_end_make_a_hash_that_fits_no_transaction(
    deal: Deal, relay: Relay
) -> None:
    honest = trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    body = {"status": "SUCCESS", "unsignedTransaction": t.with_more_bytes(honest.xdr)}
    relay.instead("/deployer/", body, 201)
    try:
        longer = trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    except EnvelopeRefused:
        return
    assert longer.hash != honest.hash
    trustless_work.send(keys.sign(longer, deal.buyer))
    assert stellar.look_up(longer.hash).code == "not_found"
    assert stellar.look_up(honest.hash).code == "not_found"


# --- parties that sign themselves -------------------------------------------------------------
def test_a_partys_own_signature_is_recognised(deal: Deal) -> None:
    contract = deal.deployed(SINGLE, 100)
    handed_out = trustless_work.fund(SINGLE, contract, deal.buyer.address, UNIT)
    signed = keys.sign(handed_out, deal.buyer)
    assert same_transaction(handed_out.xdr, signed)
    assert is_signed_by(signed, deal.buyer.address)
    assert not is_signed_by(signed, deal.seller.address)
    assert not is_signed_by(handed_out.xdr, deal.buyer.address)
    assert not is_signed_by(keys.sign(handed_out, deal.buyer, deal.seller), deal.buyer.address)
    assert not is_signed_by(keys.sign(handed_out, deal.seller), deal.buyer.address)
    assert not is_signed_by("nonsense", deal.buyer.address)
    assert not is_signed_by(signed, "nonsense")


def test_another_transaction_is_not_taken_for_the_one_that_was_handed_out(deal: Deal) -> None:
    contract = deal.deployed(SINGLE, 100)
    handed_out = trustless_work.fund(SINGLE, contract, deal.buyer.address, UNIT)
    other = trustless_work.fund(SINGLE, contract, deal.buyer.address, 2 * UNIT)
    assert not same_transaction(handed_out.xdr, keys.sign(other, deal.buyer))
    for text in ("", "AAAA", "!", t.with_more_bytes("AAAA"), Keypair.random().secret):
        assert not same_transaction(handed_out.xdr, text)
