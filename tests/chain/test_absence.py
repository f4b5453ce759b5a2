"""When an envelope is proved to be in no ledger: absence and height must come from one answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offerhub.chain.drivers import MARGIN, LedgerReads
from offerhub.chain.inspection import LONGEST_LIFE
from offerhub.chain.types import ChainUnavailable
from payouts.models import WithdrawalAttempt
from tests.chain.relay import Relay

EXPIRY = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAFE = EXPIRY + MARGIN + timedelta(seconds=1)
LONG_AGO = EXPIRY - LONGEST_LIFE - MARGIN


def _cannot_apply(relay: Relay, *, root: datetime = SAFE, **said: Any) -> bool:
    answer = {
        "status": "NOT_FOUND",
        "oldestLedger": 5_000,
        "oldestLedgerCloseTime": str(int(LONG_AGO.timestamp())),
        "latestLedger": 9_000,
        "latestLedgerCloseTime": str(int(SAFE.timestamp())),
    } | {
        name: str(int(value.timestamp())) if isinstance(value, datetime) else value
        for name, value in said.items()
    }
    relay.instead("/rpc", {"jsonrpc": "2.0", "id": 1, "result": answer})
    relay.instead(
        "/",
        {"history_latest_ledger": 9_000, "history_latest_ledger_closed_at": root.isoformat()},
    )
    return LedgerReads().cannot_apply(WithdrawalAttempt(hash="ab" * 32, valid_until=EXPIRY))


def test_unknown_in_ledgers_from_before_its_birth_to_after_its_end(relay: Relay) -> None:
    assert _cannot_apply(relay) is True
    assert relay.count("/rpc") == len(relay.asked)


def test_the_first_ledger_of_all_needs_no_age(relay: Relay) -> None:
    assert _cannot_apply(relay, oldestLedger=1, oldestLedgerCloseTime=EXPIRY) is True


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
def test_what_the_server_knows_is_not_absent(relay: Relay, status: str) -> None:
    assert _cannot_apply(relay, status=status) is False


@pytest.mark.parametrize("ago", [MARGIN, timedelta(), -MARGIN])
def test_a_server_that_is_not_past_the_end_proves_nothing(relay: Relay, ago: timedelta) -> None:
    assert _cannot_apply(relay, latestLedgerCloseTime=EXPIRY + ago) is False


@pytest.mark.parametrize(("root", "proved"), [(SAFE, True), (EXPIRY, False)])
def test_a_server_that_forgot_leaves_it_to_the_other(
    relay: Relay, root: datetime, proved: bool
) -> None:
    forgot = LONG_AGO + timedelta(seconds=1)
    assert _cannot_apply(relay, root=root, oldestLedgerCloseTime=forgot) is proved


@pytest.mark.parametrize(
    "said", [{"status": "PENDING"}, {"latestLedgerCloseTime": "soon"}, {"oldestLedger": None}]
)
def test_an_answer_of_another_shape_proves_nothing(relay: Relay, said: dict[str, Any]) -> None:
    with pytest.raises(ChainUnavailable):
        _cannot_apply(relay, **said)
