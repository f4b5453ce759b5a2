"""The API of the sandbox for integrators. Each route forwards to a control of the network."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core import clock
from offerhub.core.errors import (
    FieldError,
    InvalidReference,
    Unavailable,
    Unprocessable,
    WalletNotActive,
)
from offerhub.core.money import format_amount, to_chain
from offerhub.integrators.forwarding import ask
from offerhub.integrators.serializers import (
    SLOW,
    SLOW_SECONDS,
    TARGETS,
    ClearedShape,
    ClockBody,
    ClockShape,
    FaultBody,
    FaultShape,
    FaultsShape,
    PretendDepositBody,
    PretendDepositShape,
    ScenariosShape,
)
from offerhub.users.models import Wallet
from offerhub.users.services import find_users

SCOPE = "sandbox:write"
MOST_WALLETS = 1000  # that one fault may be about
TAG = "Sandbox"


class _SandboxView(ApiView):
    def _once(self, request: ApiRequest, do: Callable[[], dict[str, Any]]) -> Response:
        """Ask the network with no transaction open; a repeat with the same key is answered what
        the first one was. Nothing of ours changes."""
        done: dict[str, Any] = {}
        return self.perform(
            request,
            lambda actor: request.marketplace_id,
            lambda subject: Answer(done),
            created=True,
            prepare=lambda: done.update(do()),
        )


class Scenarios(_SandboxView):
    """What goes wrong on purpose."""

    scopes = {"GET": SCOPE}

    @describe(
        "List what goes wrong on purpose", tag=TAG, answer=ScenariosShape, refusals=[Unavailable]
    )
    def get(self, request: ApiRequest) -> Response:
        """Magic amounts and destinations. An amount counts to the last digit.

        | Amount of | is | what happens | how it ends |
        |---|---|---|---|
        | withdrawal | 4.01 | the destination's account is gone | FAILED, the money is available again |
        | withdrawal | 4.04 | the destination has no trustline | FAILED, the money is available again |
        | withdrawal | 4.05 | the issuer froze the destination's trustline | FAILED, the money is available again |
        | withdrawal | 4.06 | the destination's trustline is full | FAILED, the money is available again |
        | withdrawal | 4.29 | the network answers 429 at first | COMPLETED, paid once |
        | withdrawal | 5.03 | the network answers 503 at first | COMPLETED, paid once |
        | withdrawal | 5.04 | it is paid, and the answer is lost | COMPLETED, paid once |
        | withdrawal | 5.05 | nothing is paid at first, and no answer comes | COMPLETED, paid once |
        | order | 6.04 | the contract is funded, and the answer is lost | goes on, once |
        | order | 6.05 | the funding answers 200 around a failure at first | goes on, once |
        | order | 6.06 | the funding's envelope is tampered with at first | never signed; a new one is, after some seconds |
        | order | 6.29 | the escrow provider answers 429 to the funding at first | goes on, once |
        | order | 7.04 | the seller is paid, and the answer is lost | goes on, once |
        | order | 7.05 | the release is refused for its sequence number at first | goes on, once |
        | order | 7.10 | archived entries make the release fail in two ledgers | goes on, once |

        A withdrawal to one of the `destinations` is refused before anything is debited."""  # noqa: E501
        return respond(ask("GET", "scenarios"))


class PretendDeposits(_SandboxView):
    """Money from nowhere."""

    scopes = {"POST": SCOPE}

    @describe(
        "Pretend a deposit",
        tag=TAG,
        body=PretendDepositBody,
        answer=PretendDepositShape,
        status=201,
        refusals=[InvalidReference, WalletNotActive, Unprocessable, Unavailable],
    )
    def post(self, request: ApiRequest) -> Response:
        """A payment of test USDC to the wallet of a user of yours, by the sandbox's issuer. It is
        credited like every deposit, as soon as it is seen."""
        body = PretendDepositBody.read(request)
        user = find_users(request.marketplace_id, {"userId": body["user_id"]})["userId"]
        wallet: Wallet = user.wallet
        if wallet.status != Wallet.Status.ACTIVE:
            raise WalletNotActive(f"The wallet of {user.external_id} is {wallet.status}")
        wanted = {"address": wallet.address, "amount": to_chain(body["amount"])}

        def pay() -> dict[str, Any]:
            paid = ask("POST", "mint", wanted)
            return {
                "userId": user.id,
                "address": wallet.address,
                "amount": format_amount(body["amount"]),
                "hash": paid["hash"],
                "ledger": paid["ledger"],
            }

        return self._once(request, pay)


class Faults(_SandboxView):
    """What the network answers the next times."""

    scopes = {"GET": SCOPE, "POST": SCOPE, "DELETE": SCOPE}

    @describe("List your faults", tag=TAG, answer=FaultsShape, refusals=[Unavailable])
    def get(self, request: ApiRequest) -> Response:
        """Those that are still to come."""
        found = ask("GET", "faults", {"owner": request.marketplace_id})["faults"]
        return respond({"data": [_fault(fault) for fault in found]})

    @describe(
        "Script a fault",
        tag=TAG,
        body=FaultBody,
        answer=FaultShape,
        status=201,
        refusals=[InvalidReference, Unprocessable, Unavailable],
    )
    def post(self, request: ApiRequest) -> Response:
        """It meets requests about wallets of your own users alone, or of the one user that is
        named; a deployment is signed by the buyer. `slow` answers well, but after `delay` seconds
        (10 when it is left out). `504-before` and `drop` lose the request, `504-after` and
        `drop-after` its answer; `tampered` changes what is to be signed. With
        `entry-archived` a contract's call fails in a ledger, as when entries of its are archived;
        payments go through."""
        body = FaultBody.read(request)
        method, path = TARGETS[body["on"]]
        slow = body["answer"] == SLOW
        wanted = {
            "match": {"path": path, "method": method, "accounts": _accounts(request, body)},
            "answer": "" if slow else body["answer"],
            "times": body.get("times", 1),
            "delay": body.get("delay") or (SLOW_SECONDS if slow else 0),
            "owner": request.marketplace_id,
        }
        return self._once(request, lambda: _fault(ask("POST", "faults", wanted)))

    @describe("Forget your faults", tag=TAG, answer=ClearedShape, refusals=[Unavailable])
    def delete(self, request: ApiRequest) -> Response:
        """All that are still to come."""
        return respond(ask("DELETE", "faults", {"owner": request.marketplace_id}))


class Clock(_SandboxView):
    """Time travel."""

    scopes = {"POST": SCOPE}

    @describe(
        "Advance the clock",
        tag=TAG,
        body=ClockBody,
        answer=ClockShape,
        status=201,
        refusals=[Unprocessable, Unavailable],
    )
    def post(self, request: ApiRequest) -> Response:
        """For everybody on this installation: network and product have one clock, which never goes
        back. At most 366 days at a time. What waits for a time that is over happens at once."""
        advance: timedelta = ClockBody.read(request)["advance"]

        def move() -> dict[str, Any]:
            found = ask("POST", "clock", {"advance": int(advance.total_seconds())})
            clock.set_offset(timedelta(seconds=found["offset"]))
            return {"now": clock.now(), "latestLedger": found["latestLedger"]}

        return self._once(request, move)


def _accounts(request: ApiRequest, body: dict[str, Any]) -> list[str]:
    """The wallets that a fault is about."""
    wallets = Wallet.objects.filter(marketplace=request.marketplace_id)
    if "user_id" in body:
        user = find_users(request.marketplace_id, {"userId": body["user_id"]})["userId"]
        wallets = wallets.filter(user=user)
    found = list(wallets.values_list("address", flat=True)[: MOST_WALLETS + 1])
    if len(found) > MOST_WALLETS:
        text = f"must name one: the marketplace has more than {MOST_WALLETS} wallets"
        raise Unprocessable(errors=[FieldError("userId", "too_many_wallets", text)])
    return found


def _fault(said: dict[str, Any]) -> dict[str, Any]:
    match = said["match"]
    on = next(name for name, (_, path) in TARGETS.items() if path == match["path"])
    return {
        "id": said["id"],
        "on": on,
        "answer": said["answer"] or SLOW,
        "times": said["times"],
        "delay": int(said["delay"]),
    }
