"""Operations: reserves, trustlines, sponsoring, path payments, and every refusal's code."""

from __future__ import annotations

from decimal import Decimal

from stellar_sdk import Asset, Keypair, MuxedAccount, Signer, SignerKey

from tests.sandbox.player import Player
from tests.sandbox.test_transactions import codes


def test_every_code_by_which_a_payment_can_be_refused(player: Player) -> None:
    rich, poor = player.person("10"), player.person()
    plain, frozen, small = player.friend(), player.person("1"), player.friend()
    player.control("trustline", address=frozen.public_key, authorized=False)
    narrow = player.builder(small).append_change_trust_op(player.usdc, "1")
    assert player.submit(narrow, small).status_code == 200
    cases = [
        (rich, Keypair.random().public_key, "op_no_destination"),
        (rich, plain.public_key, "op_no_trust"),
        (rich, frozen.public_key, "op_not_authorized"),
        (rich, small.public_key, "op_line_full"),
        (poor, rich.public_key, "op_underfunded"),
        (plain, rich.public_key, "op_src_no_trust"),
        (frozen, rich.public_key, "op_src_not_authorized"),
    ]
    found = [codes(player.pay(source, to, "2"))["operations"] for source, to, _ in cases]
    assert found == [[code] for _, _, code in cases]


def test_xlm_below_the_minimum_balance_cannot_be_spent(player: Player) -> None:
    a, b = player.person(), player.friend()
    held = player.balance(a.public_key, Asset.native())
    # Two base reserves and one trustline stay, and the fee is taken first.
    fee, stroop = Decimal("0.0000100"), Decimal("0.0000001")
    over = player.pay(
        a, b.public_key, str(held - Decimal("1.5") - fee + stroop), asset=Asset.native()
    )
    assert codes(over)["operations"] == ["op_underfunded"]
    most = held - Decimal("1.5") - 2 * fee
    assert player.pay(a, b.public_key, str(most), asset=Asset.native()).status_code == 200
    assert str(player.balance(a.public_key, Asset.native())) == "1.5000000"


def test_an_account_needs_its_reserve(player: Player) -> None:
    a, new = player.friend(), Keypair.random()
    poor = player.builder(a).append_create_account_op(new.public_key, "0.9999999")
    assert codes(player.submit(poor, a))["operations"] == ["op_low_reserve"]
    right = player.builder(a).append_create_account_op(new.public_key, "1")
    assert player.submit(right, a).status_code == 200
    again = player.builder(a).append_create_account_op(new.public_key, "1")
    assert codes(player.submit(again, a))["operations"] == ["op_already_exists"]


def test_a_trustline_needs_its_reserve_and_an_issuer(player: Player) -> None:
    a, new = player.friend(), Keypair.random()
    create = player.builder(a).append_create_account_op(new.public_key, "1.001")
    assert player.submit(create, a).status_code == 200
    line = player.builder(new).append_change_trust_op(player.usdc)
    assert codes(player.submit(line, new))["operations"] == ["op_low_reserve"]
    nowhere = Asset("USDC", Keypair.random().public_key)
    line = player.builder(a).append_change_trust_op(nowhere)
    assert codes(player.submit(line, a))["operations"] == ["op_no_issuer"]


def test_a_trustline_with_money_cannot_be_removed(player: Player) -> None:
    a, b = player.person("1"), player.person()
    remove = player.builder(a).append_change_trust_op(player.usdc, "0")
    assert codes(player.submit(remove, a))["operations"] == ["op_cannot_delete"]
    assert player.pay(a, b.public_key, "1").status_code == 200
    remove = player.builder(a).append_change_trust_op(player.usdc, "0")
    assert player.submit(remove, a).status_code == 200
    assert len(player.get(f"/accounts/{a.public_key}").json()["balances"]) == 1


def sponsored(player: Player, sponsor: Keypair) -> Keypair:
    """A new account whose reserves somebody else pays."""
    user = Keypair.random()
    builder = player.builder(sponsor)
    builder.append_begin_sponsoring_future_reserves_op(user.public_key)
    builder.append_create_account_op(user.public_key, "0")
    builder.append_change_trust_op(player.usdc, source=user.public_key)
    builder.append_end_sponsoring_future_reserves_op(source=user.public_key)
    answer = player.submit(builder, sponsor, user)
    assert answer.status_code == 200, answer.text
    return user


def test_a_sponsored_account_starts_with_nothing(player: Player) -> None:
    sponsor = player.friend()
    before = player.balance(sponsor.public_key, Asset.native())
    user = sponsored(player, sponsor)
    record = player.get(f"/accounts/{user.public_key}").json()
    assert record["num_sponsored"] == 3
    assert record["sponsor"] == sponsor.public_key
    assert record["subentry_count"] == 1
    assert player.balance(user.public_key, Asset.native()) == 0
    payer = player.get(f"/accounts/{sponsor.public_key}").json()
    assert payer["num_sponsoring"] == 3
    # Only the fee of four operations left the sponsor: reserves are held, not paid.
    assert before - player.balance(sponsor.public_key, Asset.native()) == Decimal("0.0000400")
    player.control("mint", address=user.public_key, amount="7")
    assert str(player.balance(user.public_key)) == "7.0000000"


def test_a_sponsor_must_keep_the_reserves_that_it_carries(player: Player) -> None:
    a, sponsor, user = player.friend(), Keypair.random(), Keypair.random()
    create = player.builder(a).append_create_account_op(sponsor.public_key, "1.9")
    assert player.submit(create, a).status_code == 200
    builder = player.builder(sponsor)
    builder.append_begin_sponsoring_future_reserves_op(user.public_key)
    builder.append_create_account_op(user.public_key, "0")
    builder.append_end_sponsoring_future_reserves_op(source=user.public_key)
    found = codes(player.submit(builder, sponsor, user))
    assert found["operations"][:2] == ["op_success", "op_low_reserve"]
    assert player.get(f"/accounts/{user.public_key}").status_code == 404


def test_sponsoring_that_is_not_ended_fails_the_whole(player: Player) -> None:
    sponsor, user = player.friend(), Keypair.random()
    builder = player.builder(sponsor)
    builder.append_begin_sponsoring_future_reserves_op(user.public_key)
    builder.append_create_account_op(user.public_key, "0")
    assert codes(player.submit(builder, sponsor)) == {"transaction": "tx_bad_sponsorship"}
    assert player.get(f"/accounts/{user.public_key}").status_code == 404


def test_merging_moves_all_xlm_and_closes_the_account(player: Player) -> None:
    a, b = player.friend(), player.friend()
    held = player.balance(a.public_key, Asset.native())
    before = player.balance(b.public_key, Asset.native())
    # An account can merge once its sequence number lies in the past.
    player.control("ledgers", close=1)
    answer = player.submit(player.builder(a).append_account_merge_op(b.public_key), a)
    assert answer.status_code == 200, answer.text
    moved = player.balance(b.public_key, Asset.native()) - before
    assert moved == held - Decimal("0.0000100")
    assert player.get(f"/accounts/{a.public_key}").status_code == 404
    types = [r["type"] for r in payments(player, b.public_key)]
    assert types == ["create_account", "account_merge"]


def test_an_account_with_a_trustline_cannot_merge(player: Player) -> None:
    a, b = player.person(), player.friend()
    answer = player.submit(player.builder(a).append_account_merge_op(b.public_key), a)
    assert codes(answer)["operations"] == ["op_has_sub_entries"]


def payments(player: Player, address: str) -> list[dict[str, str]]:
    answer = player.get(f"/accounts/{address}/payments", limit=200)
    found: list[dict[str, str]] = answer.json()["_embedded"]["records"]
    return found


def test_a_path_payment_for_an_exact_amount_pays_the_destination_side(player: Player) -> None:
    a, b = player.friend(), player.person()
    builder = player.builder(a).append_path_payment_strict_receive_op(
        b.public_key, Asset.native(), "100", player.usdc, "7.5", []
    )
    assert player.submit(builder, a).status_code == 200
    assert str(player.balance(b.public_key)) == "7.5000000"
    record = payments(player, b.public_key)[-1]
    assert record["type"] == "path_payment_strict_receive"
    assert (record["amount"], record["asset_code"]) == ("7.5000000", "USDC")
    assert (record["source_amount"], record["source_asset_type"]) == ("75.0000000", "native")


def test_a_path_payment_of_an_exact_amount_pays_what_it_buys(player: Player) -> None:
    a, b = player.friend(), player.person()
    muxed = MuxedAccount(b.public_key, 5)
    builder = player.builder(a).append_path_payment_strict_send_op(
        muxed, Asset.native(), "33.3333333", player.usdc, "3", []
    )
    assert player.submit(builder, a).status_code == 200
    assert str(player.balance(b.public_key)) == "3.3333333"
    record = payments(player, b.public_key)[-1]
    assert record["type"] == "path_payment_strict_send"
    assert (record["amount"], record["to_muxed_id"]) == ("3.3333333", "5")


def test_path_payments_keep_their_limits(player: Player) -> None:
    a, b = player.friend(), player.person()
    dear = player.builder(a).append_path_payment_strict_receive_op(
        b.public_key, Asset.native(), "9.9999999", player.usdc, "1", []
    )
    assert codes(player.submit(dear, a))["operations"] == ["op_over_source_max"]
    little = player.builder(a).append_path_payment_strict_send_op(
        b.public_key, Asset.native(), "10", player.usdc, "1.0000001", []
    )
    assert codes(player.submit(little, a))["operations"] == ["op_under_dest_min"]
    other = Asset("EURC", player.issuer)
    nowhere = player.builder(a).append_path_payment_strict_receive_op(
        b.public_key, Asset.native(), "1", other, "1", []
    )
    assert codes(player.submit(nowhere, a))["operations"] == ["op_too_few_offers"]
    assert player.balance(b.public_key) == 0


def test_a_path_payment_within_one_asset_is_a_payment(player: Player) -> None:
    a, b = player.person("5"), player.person()
    builder = player.builder(a).append_path_payment_strict_receive_op(
        b.public_key, player.usdc, "2", player.usdc, "2", []
    )
    assert player.submit(builder, a).status_code == 200
    assert str(player.balance(b.public_key)) == "2.0000000"
    assert str(player.balance(a.public_key)) == "3.0000000"


def test_data_entries_carry_the_memo_rule(player: Player) -> None:
    a = player.friend()
    builder = player.builder(a).append_manage_data_op("config.memo_required", "1")
    assert player.submit(builder, a).status_code == 200
    record = player.get(f"/accounts/{a.public_key}").json()
    assert record["data"] == {"config.memo_required": "MQ=="}
    assert record["subentry_count"] == 1
    gone = player.builder(a).append_manage_data_op("config.memo_required", None)
    assert player.submit(gone, a).status_code == 200
    assert player.get(f"/accounts/{a.public_key}").json()["data"] == {}


def test_thresholds_and_signers_are_kept(player: Player) -> None:
    a, b, c = player.friend(), player.friend(), player.friend()
    signer = Signer(SignerKey.ed25519_public_key(b.public_key), 1)
    options = player.builder(a).append_set_options_op(
        low_threshold=2, med_threshold=2, high_threshold=2, signer=signer
    )
    assert player.submit(options, a).status_code == 200
    builder = player.builder(a).append_payment_op(c.public_key, Asset.native(), "1")
    assert codes(player.submit(builder, a))["transaction"] == "tx_bad_auth"
    builder = player.builder(a).append_payment_op(c.public_key, Asset.native(), "1")
    assert player.submit(builder, a, b).status_code == 200


def test_what_this_network_does_not_do_is_said(player: Player) -> None:
    a = player.friend()
    offer = player.builder(a).append_manage_sell_offer_op(player.usdc, Asset.native(), "1", "1")
    sequence = player.sequence(a)
    assert codes(player.submit(offer, a))["operations"] == ["op_not_supported"]
    assert player.sequence(a) == sequence
