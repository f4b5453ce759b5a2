"""Where a withdrawal may go: looked at before anything is debited, with no transaction open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.core.db import assert_no_transaction
from offerhub.core.errors import (
    DestinationRefused,
    FieldError,
    InvalidReference,
    InvalidRequest,
    Refusal,
    Unavailable,
    WalletNotActive,
)
from offerhub.users.models import User, Wallet
from offerhub.users.services import users_by_reference
from payouts import addresses
from payouts.addresses import Book
from payouts.errors import WalletNotManaged
from payouts.memos import Memo, parse_memo
from payouts.models import PayoutPolicy, SavedDestination


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: to an address, or to an entry of the user's address book by its id.
    `amount` in stroops; `memo_type` without one is text."""

    user_reference: str
    amount: int
    destination: str = ""
    destination_id: str = ""
    memo: str = ""
    memo_type: str = ""


@dataclass(frozen=True)
class Checked:
    """A request whose user can pay and whose destination could take this amount just now.

    The chain checks the destination again when the payment applies; this spares everybody a
    payment that must fail.
    """

    user: User
    wallet: Wallet
    destination: str
    memo: Memo
    amount: int
    policy: PayoutPolicy = field(default_factory=PayoutPolicy)
    saved: SavedDestination | None = None

    @property
    def account(self) -> str:
        """The account behind the address."""
        return stellar.receiving_account(self.destination)


def check(
    *,
    marketplace_id: str,
    user_reference: str,
    amount: int,
    destination: str = "",
    destination_id: str = "",
    memo: Memo | None = None,
) -> Checked:
    """Ask our own tables, then the network. Two queries and one request, one query more where the
    address book is asked.

    Raises InvalidReference, WalletNotActive, WalletNotManaged, InvalidRequest, DestinationRefused
    (with `reason`), and Unavailable when the network does not answer.
    """
    memo = memo or Memo()
    wish = Wish(user_reference, amount, destination, destination_id, memo.value, memo.type)
    (found,) = check_many(marketplace_id, [wish])
    if isinstance(found, Refusal):
        raise found
    return found


def check_many(marketplace_id: str, wishes: Sequence[Wish]) -> list[Checked | Refusal]:
    """The same for many at once, each answered by itself. The queries are as many as for one, the
    network is asked once for each account, eight at a time."""
    assert_no_transaction()
    users = users_by_reference(
        marketplace_id,
        [wish.user_reference for wish in wishes],
        also=["marketplace__payout_policy"],
    )
    book = addresses.book_for(users.values(), [w.destination_id for w in wishes])
    found = [_read(wish, users, book) for wish in wishes]
    good = [each for each in found if isinstance(each, Checked)]
    ours = Wallet.objects.filter(address__in={each.account for each in good})
    own = set(ours.values_list("address", flat=True)) if good else set()
    found = [_unless(each, lambda c: _refuse_own_wallets(c, own)) for each in found]
    asked = {each.account for each in found if isinstance(each, Checked)}
    accounts = stellar.accounts(asked) if asked else {}
    return [_unless(each, lambda c: _refuse_unless_it_takes(c, accounts)) for each in found]


def _read(wish: Wish, users: Mapping[str, User], book: Book) -> Checked | Refusal:
    """What can be said without the network."""
    try:
        user = users.get(wish.user_reference)
        if user is None:
            text = "names no user of this marketplace"
            raise InvalidReference(errors=[FieldError("userId", "unknown_user", text)])
        policy = addresses.policy_of(user.marketplace)
        saved = addresses.entry_named(book, user, wish.destination_id)
        memo = parse_memo(wish.memo, wish.memo_type or None)
        destination = wish.destination
        if saved is not None:
            _refuse_another_memo(memo)
            destination, memo = saved.address, Memo(saved.memo_type, saved.memo)
        refuse_its_form(destination, memo)
        _refuse_unless_ours_to_pay_from(user.wallet)
        if saved is None and policy.address_book_only:
            saved = addresses.entry_of(book, user, destination, memo)
        if saved is not None:
            addresses.refuse_while_cooling(saved, policy)
        return Checked(user, user.wallet, destination, memo, wish.amount, policy, saved)
    except Refusal as refusal:
        return refusal


def refuse_its_form(destination: str, memo: Memo) -> None:
    """Raise for what no network need be asked about: a mistyped address, a contract, the asset's
    issuer, a memo beside a muxed address."""
    account = stellar.receiving_account(destination)
    if memo.value and destination.startswith("M"):
        raise InvalidRequest(
            errors=[FieldError("memo", "memo_not_allowed", "is inside a muxed address already")]
        )
    try:
        issuer = current().usdc_issuer
    except ChainUnavailable as error:
        raise _unavailable(error) from error
    if account == issuer:
        raise _refused("asset_issuer", "is the asset's issuer; paying it destroys the money")


def _refuse_another_memo(memo: Memo) -> None:
    if memo.value:
        text = "is the address book's own with destinationId; save another one for another memo"
        raise InvalidRequest(errors=[FieldError("memo", "memo_not_allowed", text)])


def _refuse_unless_ours_to_pay_from(wallet: Wallet) -> None:
    if wallet.kind != Wallet.Kind.MANAGED:
        text = "holds the key of their wallet themselves; they pay from it without us"
        raise WalletNotManaged(errors=[FieldError("userId", "wallet_not_managed", text)])
    if wallet.status != Wallet.Status.ACTIVE:
        text = f"has a wallet that is {wallet.status}, not active on the network yet"
        raise WalletNotActive(errors=[FieldError("userId", "wallet_not_active", text)])


def _refuse_own_wallets(checked: Checked, own: set[str]) -> None:
    """What leaves must leave: a payment between wallets of this installation would be counted as
    money that came from outside."""
    if checked.account == checked.user.wallet.address:
        raise _refused("own_wallet", "is this user's own deposit address")
    if checked.account in own:
        raise _refused("own_wallet", "is a wallet of this installation, not an address outside")


def _refuse_unless_it_takes(
    checked: Checked, accounts: Mapping[str, stellar.Account | ChainUnavailable]
) -> None:
    found = accounts[checked.account]
    if isinstance(found, ChainUnavailable):
        raise _unavailable(found)
    stellar.refuse_unless_it_takes(
        found, checked.destination, checked.amount, has_memo=bool(checked.memo.value)
    )


def _unless(found: Checked | Refusal, refuse: Callable[[Checked], None]) -> Checked | Refusal:
    if isinstance(found, Refusal):
        return found
    try:
        refuse(found)
    except Refusal as refusal:
        return refusal
    return found


def _unavailable(error: ChainUnavailable) -> Unavailable:
    return Unavailable(
        f"The destination could not be checked on the network: {error}",
        retry_after=ceil(error.retry_after),
    )


def _refused(reason: str, text: str) -> DestinationRefused:
    return DestinationRefused(errors=[FieldError("destination", reason, text)], reason=reason)
