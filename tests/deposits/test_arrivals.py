"""What arrives on the chain and where it ends: each row of the catalogue of deposits."""

import pytest
from django.db import DatabaseError, transaction
from stellar_sdk import Asset, Keypair, MuxedAccount

from offerhub.chain import keys
from offerhub.core.money import MAX_AMOUNT
from offerhub.deposits import scans
from offerhub.deposits.models import Deposit, WalletScan
from offerhub.users import services as users
from offerhub.users.models import Wallet
from tests.deposits.scene import Scene


def test_a_payment_is_credited_to_the_wallets_user_and_told(scene: Scene) -> None:
    sender = scene.player.person("500")
    hash = scene.pay(sender, (scene.address, "500"))
    booked = scene.watch()
    assert (booked.credited, booked.suspended, booked.known) == (1, 0, 0)
    assert scene.available() == "500.00"
    (deposit,) = scene.deposits()
    assert (deposit.status, deposit.reason, deposit.user_id) == ("CREDITED", "", scene.ann.id)
    assert (deposit.tx_hash, deposit.sender) == (hash, sender.public_key)
    (entry,) = scene.entries()
    assert (entry.chain_hash, entry.chain_ledger) == (hash, deposit.ledger)
    assert entry.effective_at == deposit.closed_at
    (event,) = scene.events()
    assert (event.type, event.sequence, event.actor) == ("deposit.credited", 1, "system:monitor")
    assert event.payload["amount"] == "500.00"
    assert event.payload["userId"] == scene.ann.id


def test_a_payment_straight_from_the_issuer_is_credited(scene: Scene) -> None:
    scene.network.mint(scene.address, "12.3456789")
    scene.watch()
    assert scene.available() == "12.3456789"
    assert scene.deposits()[0].sender == ""


def test_one_transaction_with_two_payments_to_one_user_credits_both(scene: Scene) -> None:
    scene.pay(scene.player.person("30"), (scene.address, "10"), (scene.address, "10"))
    assert scene.watch().credited == 2
    assert scene.available() == "20.00"
    assert len({d.operation for d in scene.deposits()}) == 2


def test_one_transaction_that_pays_two_users_credits_both(scene: Scene) -> None:
    bob = scene.world.user("bob")
    sender = scene.player.person("30")
    scene.pay(sender, (scene.address, "10"), (scene.world.wallet(bob).address, "20"))
    scene.watch()
    assert (scene.available(), scene.available(bob)) == ("10.00", "20.00")


@pytest.mark.parametrize("text", ["0.0000001", "922337203685.4775807"])
def test_the_smallest_and_the_largest_amount_are_exact(scene: Scene, text: str) -> None:
    scene.network.mint(scene.address, text)
    scene.watch()
    assert scene.available() == text


def test_two_amounts_that_together_are_more_than_the_books_hold_do_not_stop_the_rest(
    scene: Scene,
) -> None:
    """Tokens in a contract have no limit on the chain; an account in the books has one."""
    contract = _our_contract(scene)
    for _ in range(2):
        scene.player.control("asset", code="HUGE", to=contract, amount="922337203685.4775807")
    scene.network.mint(scene.address, "5")
    booked = scene.watch()
    assert (booked.credited, booked.suspended, booked.quarantined) == (1, 1, 1)
    assert scene.available() == "5.00"
    (set_aside,) = [q for q in scene.quarantined() if contract in q.event]
    assert "out of range" in set_aside.problem
    assert scene.told(asset_code="HUGE") == [
        ("SUSPENSE", "wrong_asset", "HUGE", "922337203685.4775807")
    ]


def test_a_token_transfer_by_a_contract_call_is_credited(scene: Scene) -> None:
    sender = scene.player.person("7")
    scene.token_transfer(sender, scene.address, 7_0000000)
    scene.watch()
    assert scene.available() == "7.00"
    assert scene.deposits()[0].sender == sender.public_key


def test_a_transfer_of_nothing_is_no_deposit(scene: Scene) -> None:
    scene.token_transfer(scene.player.person("1"), scene.address, 0)
    assert scene.watch().credited == 0
    assert scene.deposits() == []


@pytest.mark.parametrize("strict", ["send", "receive"])
def test_a_path_payment_is_credited_by_what_arrived(scene: Scene, strict: str) -> None:
    sender = scene.player.person("20")
    builder = scene.player.builder(sender)
    usdc = scene.player.usdc
    if strict == "send":
        builder.append_path_payment_strict_send_op(scene.address, usdc, "9", usdc, "8", [])
    else:
        builder.append_path_payment_strict_receive_op(scene.address, usdc, "9", usdc, "9", [])
    scene.send(builder, sender)
    scene.watch()
    assert scene.available() == "9.00"


def test_a_muxed_destination_or_a_memo_still_reaches_the_wallets_user(scene: Scene) -> None:
    """One wallet is one user; a memo, too, is told as if it were a muxed id since protocol 23."""
    sender = scene.player.person("20")
    muxed = str(MuxedAccount(scene.address, 77).account_muxed)
    scene.pay(sender, (muxed, "3"))
    builder = scene.player.builder(sender).append_payment_op(scene.address, scene.player.usdc, "4")
    scene.send(builder.add_text_memo("order 9"), sender)
    scene.watch()
    assert scene.available() == "7.00"
    assert scene.deposits()[0].muxed_id == "77"


def test_a_failed_transaction_credits_nothing(scene: Scene) -> None:
    sender = scene.player.person("5")
    builder = scene.player.builder(sender)
    builder.append_payment_op(scene.address, scene.player.usdc, "5")
    builder.append_payment_op(scene.address, scene.player.usdc, "5")
    assert scene.player.submit(builder, sender).status_code == 400
    scene.watch()
    assert (scene.deposits(), scene.available()) == ([], "0.00")


# --- what nobody can be credited for ----------------------------------------------------------
def _trusting(scene: Scene, asset: Asset) -> None:
    """Ann's wallet gets a trustline that we would never sign."""
    builder = scene.player.builder(Keypair.from_public_key(scene.address))
    envelope = builder.append_change_trust_op(asset).build()
    envelope.sign(keys._open(scene.wallet))
    assert scene.player.post_xdr(envelope.to_xdr()).ok


def _fake(scene: Scene, code: str, to: str, amount: str) -> Asset:
    answer = scene.player.control("asset", code=code, to=to, amount=amount)
    code, _, issuer = str(answer["asset"]).partition(":")
    return Asset(code, issuer)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("USDC", "wrong_issuer"), ("EURC", "wrong_asset"), ("USDCX", "wrong_asset")],
)
def test_another_asset_is_in_suspense_and_never_credited(
    scene: Scene, code: str, reason: str
) -> None:
    outside = scene.player.friend()
    asset = _fake_asset(scene, code)
    trust = scene.player.builder(outside).append_change_trust_op(asset)
    scene.send(trust, outside)
    _trusting(scene, asset)
    _fake(scene, code, outside.public_key, "500")
    scene.pay(outside, (scene.address, "500"), asset=asset)
    booked = scene.watch()
    assert (booked.credited, booked.suspended) == (0, 1)
    assert scene.told() == [("SUSPENSE", reason, code, "500.00")]
    assert scene.available() == "0.00"
    name = f"{code}:{asset.issuer}"
    assert scene.posted("suspense", "", name) == -500_0000000
    assert scene.posted("wallet", scene.address, name) == 500_0000000
    assert [e.type for e in scene.events()] == ["deposit.suspended"]
    assert scene.events()[0].payload["reason"] == reason


def _fake_asset(scene: Scene, code: str) -> Asset:
    """The asset as the sandbox's other issuer makes it, known from a first coin elsewhere."""
    return _fake(scene, code, scene.contract(), "1")


def test_xlm_from_a_stranger_is_in_suspense(scene: Scene) -> None:
    outside = scene.player.friend()
    scene.pay(outside, (scene.address, "4"), asset=Asset.native())
    scene.watch()
    assert scene.told() == [("SUSPENSE", "native_asset", "XLM", "4.00")]
    assert scene.posted("suspense", "", "XLM") == -4_0000000


def test_an_account_that_is_merged_into_a_wallet_is_xlm_in_suspense(scene: Scene) -> None:
    outside = scene.player.friend()
    scene.send(scene.player.builder(outside).append_account_merge_op(scene.address), outside)
    scene.watch()
    assert [row[:3] for row in scene.told()] == [("SUSPENSE", "native_asset", "XLM")]


def test_usdc_to_the_marketplaces_own_wallets_is_in_suspense(scene: Scene) -> None:
    sender = scene.player.person("20")
    platform, resolver = scene.own("PLATFORM").address, scene.own("RESOLVER").address
    scene.pay(sender, (platform, "3"), (resolver, "4"))
    scene.pay(sender, (str(MuxedAccount(platform, 1).account_muxed), "5"))
    scene.watch()
    assert scene.told() == [
        ("SUSPENSE", "own_wallet", "USDC", "3.00"),
        ("SUSPENSE", "own_wallet", "USDC", "4.00"),
        ("SUSPENSE", "unknown_muxed", "USDC", "5.00"),
    ]
    assert scene.posted("platform", platform) == 8_0000000
    assert scene.posted("wallet", resolver) == 4_0000000


def test_fee_money_that_the_operator_puts_in_is_capital(scene: Scene) -> None:
    platform = scene.own("PLATFORM").address
    before = scene.posted("owner:capital", "", "XLM")
    assert before == -10_000_0000000  # friendbot, when the wallet came to life
    scene.pay(scene.player.friend(), (platform, "50"), asset=Asset.native())
    scene.watch()
    assert scene.posted("owner:capital", "", "XLM") - before == -50_0000000
    rows = Deposit.objects.of(scene.world.marketplace.id).filter(reason="platform_capital")
    assert {(d.status, d.user_id) for d in rows} == {("CREDITED", None)}


def test_fee_money_between_our_own_wallets_is_not_booked_twice(scene: Scene) -> None:
    """The activation of Ann's wallet moved XLM; its own confirmation booked it."""
    assert scene.deposits() == []
    held = scene.player.balance(scene.address, Asset.native())
    assert scene.posted("xlm", scene.address, "XLM") == held * 10**7


# --- contracts --------------------------------------------------------------------------------
def _our_contract(scene: Scene) -> str:
    from ledger.services import open_account

    contract = scene.contract()
    with transaction.atomic():
        open_account(
            marketplace_id=scene.world.marketplace.id,
            kind="contract",
            owner=contract,
            asset="USDC",
            user_id=None,
        )
    return contract


def test_a_strangers_dust_in_our_contract_is_in_suspense_with_the_contract(scene: Scene) -> None:
    contract = _our_contract(scene)
    scene.token_transfer(scene.player.person("1"), contract, 1)
    scene.watch()
    (deposit,) = scene.deposits()
    assert (deposit.holder, deposit.reason, deposit.user) == ("contract", "contract_dust", None)
    assert (scene.posted("contract", contract), scene.posted("suspense", "")) == (1, -1)


def test_money_in_somebody_elses_contract_is_no_business_of_ours(scene: Scene) -> None:
    scene.network.mint(scene.contract(), "5")
    assert scene.watch().suspended == 0
    assert scene.deposits() == []


# --- parties with their own keys --------------------------------------------------------------
def _external(scene: Scene, keypair: Keypair) -> Wallet:
    users.create_user(
        marketplace_id=scene.world.marketplace.id,
        new=users.NewUser("party", public_key=keypair.public_key),
        actor=scene.world.actor,
    )
    return Wallet.objects.get(address=keypair.public_key)


def test_nothing_that_arrives_in_an_external_wallet_is_in_our_books(scene: Scene) -> None:
    """We can not move it, and the party may spend it at any moment without us."""
    party = scene.player.person()
    user = _external(scene, party).user
    asset = _fake_asset(scene, "USDC")
    scene.send(scene.player.builder(party).append_change_trust_op(asset), party)
    scene.network.mint(party.public_key, "8")
    scene.pay(scene.player.friend(), (party.public_key, "5"), asset=Asset.native())
    _fake(scene, "USDC", party.public_key, "500")
    scene.watch()
    assert scene.told() == []
    assert scene.available(user) == "0.00"
    scans.enrol_new_wallets()
    assert not WalletScan.objects.filter(wallet__user=user).exists()


def test_what_an_external_party_pays_into_a_contract_by_itself_is_dust_there(scene: Scene) -> None:
    """Its funding is ours, by the hash of the envelope; everything else is anybody's money."""
    party = scene.player.person("9")
    _external(scene, party)
    contract = _our_contract(scene)
    scene.token_transfer(party, contract, 3)
    scene.watch()
    (deposit,) = scene.deposits()
    assert (deposit.holder, deposit.reason) == ("contract", "contract_dust")


def test_what_an_external_party_sends_to_a_user_is_a_deposit(scene: Scene) -> None:
    """No service of ours books it: the party signed it alone."""
    party = scene.player.person()
    _external(scene, party)
    scene.network.mint(party.public_key, "8")
    scene.pay(party, (scene.address, "3"))
    scene.watch()
    assert scene.available() == "3.00"


# --- tenants and the database's own word -------------------------------------------------------
def test_a_payment_from_another_marketplaces_wallet_is_a_deposit(scene: Scene) -> None:
    """The sender's marketplace books a withdrawal; the recipient's knows nothing of it."""
    from tests.world import World

    other = World(scene.network)
    eve = other.user("eve", money="10")
    envelope = scene.player.builder(Keypair.from_public_key(other.wallet(eve).address))
    built = envelope.append_payment_op(scene.address, scene.player.usdc, "6").build()
    built.sign(keys._open(other.wallet(eve)))
    assert scene.player.post_xdr(built.to_xdr()).ok
    scene.watch()
    assert scene.available() == "6.00"


def test_what_the_chain_said_can_not_be_changed_or_deleted(scene: Scene) -> None:
    scene.network.mint(scene.address, "5")
    scene.watch()
    rows = Deposit.objects.filter(pk=scene.deposits()[0].pk)
    for change in ({"amount": MAX_AMOUNT}, {"address": "G"}, {"tx_hash": ""}):
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        rows.delete()
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        rows.update(status="SUSPENSE", reason="wrong_asset")
    assert scene.available() == "5.00"
