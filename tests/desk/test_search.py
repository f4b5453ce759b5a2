"""The search box opens what it knows and says how it understood the rest."""

from django.test import Client

from offerhub.core.ids import new_id
from offerhub.core.shown import address_of
from offerhub.marketplaces import services as marketplaces
from offerhub.users import services as users
from tests.desk.conftest import SignIn
from tests.world import ACTOR


def test_an_exact_hit_opens_the_record(desk: SignIn) -> None:
    client, market = desk("read_only"), marketplaces.create_marketplace(name="M", actor=ACTOR)
    new = users.NewUser("buyer-7", email="Ada@shop.example")
    user, _ = users.create_user(marketplace_id=market.id, new=new, actor=ACTOR)
    page = address_of(user.pk)
    for text in (user.pk, user.pk.upper(), " buyer-7 ", "ada@shop.example", user.wallet.address):
        answer = client.get("/admin/search/", {"q": text})
        assert (answer.status_code, answer.headers["Location"]) == (302, page), text


def test_what_is_not_there_is_named_by_what_it_looks_like(desk: SignIn) -> None:
    client = desk("read_only")
    for text, understood in {
        new_id("ord"): "an id of ours (ord_)",
        "#12": "ledger 12",
        "f" * 64: "a transaction hash",
        "G" + "A" * 55: "an account on the chain, none of our wallets",
        "C" + "A" * 55: "a contract",
        "M" + "A" * 68: "a part (M…) of an account on the chain",
        "a@b.example": "an e-mail address",
        "order-7": "an external id or order reference",
    }.items():
        answer = client.get("/admin/search/", {"q": text})
        assert answer.status_code == 200
        assert understood in answer.content.decode(), text


def test_markup_and_nulls_in_the_box_are_text(desk: SignIn) -> None:
    answer = desk("read_only").get("/admin/search/", {"q": "<script>\0x"})
    assert answer.status_code == 200
    assert "<script>x" not in answer.content.decode()


def test_whoever_may_not_look_may_not_search(db: None, desk: SignIn) -> None:
    assert desk().get("/admin/search/", {"q": "x"}).status_code == 403
    assert Client().get("/admin/search/").status_code == 302
