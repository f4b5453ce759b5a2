"""The API's routes by name: thin, and typed by its OpenAPI document."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, Unpack

from offerhub_sdk import models as m
from offerhub_sdk._sync.http import List, Resource, Options, at_once
from offerhub_sdk._core import path


class Users(Resource):
    """Buyers and sellers."""

    def create(self, body: m.NewUserBodyRequest, **options: Unpack[Options]) -> m.User:
        return self._http.post("/users", body, options)

    def get(self, user_id: str) -> m.User:
        return self._http.get(path("/users/{}", user_id))

    def list(self, **query: Any) -> List[m.User]:
        return List(self._http, "/users", query)

    def update(self, user_id: str, changes: m.PatchedUserChangesBodyRequest) -> m.User:
        return self._http.change("PATCH", path("/users/{}", user_id), changes)

    def balance(self, user_id: str) -> m.Balance:
        return self._http.get(path("/users/{}/balance", user_id))

    def wallet(self, user_id: str) -> m.Wallet:
        return self._http.get(path("/users/{}/wallet", user_id))

    def statement(self, user_id: str, **query: Any) -> List[m.StatementLine]:
        return List(self._http, path("/users/{}/statement", user_id), query)

    def proof(self, user_id: str) -> m.UserProof:
        """That the newest proof of funds counts this user's balance."""
        return self._http.get(path("/users/{}/proof", user_id))

    def destinations(self, user_id: str) -> List[m.SavedDestination]:
        return List(self._http, path("/users/{}/destinations", user_id), {})

    def add_destination(
        self, user_id: str, body: m.NewDestinationBodyRequest, **options: Unpack[Options]
    ) -> m.SavedDestination:
        return self._http.post(path("/users/{}/destinations", user_id), body, options)

    def rename_destination(
        self, user_id: str, destination_id: str, changes: m.PatchedLabelBodyRequest
    ) -> m.SavedDestination:
        where = path("/users/{}/destinations/{}", user_id, destination_id)
        return self._http.change("PATCH", where, changes)

    def remove_destination(self, user_id: str, destination_id: str) -> m.SavedDestination:
        where = path("/users/{}/destinations/{}", user_id, destination_id)
        return self._http.change("DELETE", where)


class Deposits(Resource):
    """Money that arrived."""

    def get(self, deposit_id: str) -> m.Deposit:
        return self._http.get(path("/deposits/{}", deposit_id))

    def list(self, **query: Any) -> List[m.Deposit]:
        return List(self._http, "/deposits", query)


class Orders(Resource):
    """Sales."""

    def create(self, body: m.NewOrderBodyRequest, **options: Unpack[Options]) -> m.Order:
        return self._http.post("/orders", body, options)

    def get(self, order_id: str) -> m.Order:
        return self._http.get(path("/orders/{}", order_id))

    def list(self, **query: Any) -> List[m.Order]:
        return List(self._http, "/orders", query)

    def reserve(self, order_id: str, **options: Unpack[Options]) -> m.Order:
        return self._http.post(path("/orders/{}/reserve", order_id), None, options)

    def cancel(
        self,
        order_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Order:
        return self._http.post(path("/orders/{}/cancel", order_id), body, options)

    def ship(
        self, order_id: str, body: m.ShipBodyRequest | None = None, **options: Unpack[Options]
    ) -> m.Order:
        return self._http.post(path("/orders/{}/ship", order_id), body, options)

    def extend(
        self, order_id: str, body: m.ExtendBodyRequest, **options: Unpack[Options]
    ) -> m.Order:
        return self._http.post(path("/orders/{}/extend", order_id), body, options)

    def milestones(self, order_id: str) -> m.Milestones:
        return self._http.get(path("/orders/{}/milestones", order_id))

    def timeline(self, order_id: str) -> m.Timeline:
        return self._http.get(path("/orders/{}/timeline", order_id))


class Escrows(Resource):
    """Contracts that hold the money of orders."""

    def create(self, body: m.NewEscrowBodyRequest, **options: Unpack[Options]) -> m.Escrow:
        return self._http.post("/escrow", body, options)

    def get(self, escrow_id: str) -> m.Escrow:
        return self._http.get(path("/escrow/{}", escrow_id))

    def fund(self, escrow_id: str, **options: Unpack[Options]) -> m.Escrow:
        return self._http.post(path("/escrow/{}/fund", escrow_id), None, options)


class Resolution(Resource):
    """How an order's money leaves its contract."""

    def release(self, body: m.ReleaseBodyRequest, **options: Unpack[Options]) -> m.Order:
        """Without an `action` the steps that are still missing are done, and it is released."""
        return self._http.post("/resolution/release", body, options)

    def refund(self, body: m.RefundBodyRequest, **options: Unpack[Options]) -> m.Order:
        return self._http.post("/resolution/refund", body, options)


class Disputes(Resource):
    """Complaints and their settlement."""

    def create(self, body: m.NewDisputeBodyRequest, **options: Unpack[Options]) -> m.Dispute:
        return self._http.post("/disputes", body, options)

    def get(self, dispute_id: str) -> m.Dispute:
        return self._http.get(path("/disputes/{}", dispute_id))

    def list(self, **query: Any) -> List[m.Dispute]:
        return List(self._http, "/disputes", query)

    def resolve(
        self, dispute_id: str, body: m.ResolveBodyRequest, **options: Unpack[Options]
    ) -> m.Dispute:
        """Over the approval threshold the answer is a proposal that a second person approves."""
        return self._http.post(path("/disputes/{}/resolve", dispute_id), body, options)

    def withdraw(
        self, dispute_id: str, body: m.WithdrawBodyRequest, **options: Unpack[Options]
    ) -> m.Dispute:
        return self._http.post(path("/disputes/{}/withdraw", dispute_id), body, options)

    def add_statement(
        self, dispute_id: str, body: m.StatementBodyRequest, **options: Unpack[Options]
    ) -> m.Statement:
        return self._http.post(path("/disputes/{}/statements", dispute_id), body, options)

    def add_message(
        self, dispute_id: str, body: m.MessageBodyRequest, **options: Unpack[Options]
    ) -> m.Message:
        return self._http.post(path("/disputes/{}/messages", dispute_id), body, options)

    def messages(self, dispute_id: str) -> List[m.Message]:
        return List(self._http, path("/disputes/{}/messages", dispute_id), {})

    def add_evidence(
        self,
        dispute_id: str,
        by: Literal["buyer", "seller"],
        name: str,
        file: bytes | IO[bytes],
        **options: Unpack[Options],
    ) -> m.Evidence:
        """PNG, JPEG, WebP, PDF or text, at most 10 MB."""
        content = file if isinstance(file, bytes) else file.read()
        where = path("/disputes/{}/evidence", dispute_id)
        return self._http.post(where, {"by": by}, options, {"file": (name, content)})


class Withdrawals(Resource):
    """Money on its way out."""

    def create(
        self, body: m.NewWithdrawalBodyRequest, **options: Unpack[Options]
    ) -> m.Withdrawal:
        return self._http.post("/withdrawals", body, options)

    def get(self, withdrawal_id: str) -> m.Withdrawal:
        return self._http.get(path("/withdrawals/{}", withdrawal_id))

    def list(self, **query: Any) -> List[m.Withdrawal]:
        return List(self._http, "/withdrawals", query)

    def cancel(
        self,
        withdrawal_id: str,
        body: m.PayoutsCancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Withdrawal:
        return self._http.post(path("/withdrawals/{}/cancel", withdrawal_id), body, options)

    def create_batch(
        self, body: m.NewBatchBodyRequest, **options: Unpack[Options]
    ) -> m.BatchWithItems:
        """Many at once; each is answered by itself. Follow it with `get_batch`."""
        return self._http.post("/withdrawals/batch", body, at_once(options))

    def get_batch(self, batch_id: str) -> m.BatchWithItems:
        return self._http.get(path("/withdrawals/batches/{}", batch_id))

    def batches(self) -> List[m.Batch]:
        return List(self._http, "/withdrawals/batches", {})


class Campaigns(Resource):
    """Many backers, one goal."""

    def create(
        self, body: m.NewCampaignBodyRequest, **options: Unpack[Options]
    ) -> m.Campaign:
        return self._http.post("/campaigns", body, options)

    def get(self, campaign_id: str) -> m.Campaign:
        return self._http.get(path("/campaigns/{}", campaign_id))

    def list(self, **query: Any) -> List[m.Campaign]:
        return List(self._http, "/campaigns", query)

    def pledges(self, campaign_id: str, **query: Any) -> List[m.Pledge]:
        return List(self._http, path("/campaigns/{}/pledges", campaign_id), query)

    def settle(self, campaign_id: str, **options: Unpack[Options]) -> m.Campaign:
        """Begins the settlement; follow it with `get` and its `progress`."""
        where = path("/campaigns/{}/settle", campaign_id)
        return self._http.post(where, None, at_once(options))

    def cancel(
        self,
        campaign_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Campaign:
        where = path("/campaigns/{}/cancel", campaign_id)
        return self._http.post(where, body, at_once(options))

    def retry(self, campaign_id: str, **options: Unpack[Options]) -> m.Campaign:
        where = path("/campaigns/{}/retry", campaign_id)
        return self._http.post(where, None, at_once(options))


class Subscriptions(Resource):
    """An order and an escrow for each billing cycle."""

    def create(
        self, body: m.NewSubscriptionBodyRequest, **options: Unpack[Options]
    ) -> m.Subscription:
        return self._http.post("/subscriptions", body, options)

    def get(self, subscription_id: str) -> m.Subscription:
        return self._http.get(path("/subscriptions/{}", subscription_id))

    def list(self, **query: Any) -> List[m.Subscription]:
        return List(self._http, "/subscriptions", query)

    def update(
        self, subscription_id: str, changes: m.PatchedChangesBodyRequest
    ) -> m.Subscription:
        """The price from the next cycle on that has no order yet."""
        return self._http.change("PATCH", path("/subscriptions/{}", subscription_id), changes)

    def cycles(self, subscription_id: str) -> List[m.Cycle]:
        return List(self._http, path("/subscriptions/{}/cycles", subscription_id), {})

    def cancellation(self, subscription_id: str) -> m.Cancellation:
        """What cancelling now would pay."""
        return self._http.get(path("/subscriptions/{}/cancellation", subscription_id))

    def cancel(
        self,
        subscription_id: str,
        body: m.SubscriptionsCancelBodyRequest,
        **options: Unpack[Options],
    ) -> m.Subscription:
        return self._http.post(
            path("/subscriptions/{}/cancel", subscription_id), body, options
        )

    def pause(self, subscription_id: str, **options: Unpack[Options]) -> m.Subscription:
        return self._http.post(
            path("/subscriptions/{}/pause", subscription_id), None, options
        )

    def resume(
        self,
        subscription_id: str,
        body: m.ResumeBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Subscription:
        return self._http.post(
            path("/subscriptions/{}/resume", subscription_id), body, options
        )


class Operations(Resource):
    """Calls to the chain."""

    def get(self, operation_id: str) -> m.Operation:
        return self._http.get(path("/operations/{}", operation_id))

    def sign(
        self, operation_id: str, signed_xdr: str, **options: Unpack[Options]
    ) -> m.Operation:
        """A party that holds its own key has signed the envelope of `unsignedXdr`."""
        where, body = path("/operations/{}/signature", operation_id), {"signedXdr": signed_xdr}
        return self._http.post(where, body, options)

    def envelope(self, operation_id: str, **options: Unpack[Options]) -> m.Operation:
        """A fresh envelope to sign."""
        return self._http.post(path("/operations/{}/envelope", operation_id), None, options)

    def cancel(
        self,
        operation_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Operation:
        return self._http.post(path("/operations/{}/cancel", operation_id), body, options)


class Events(Resource):
    """One ordered log of all that happens."""

    def get(self, event_id: str) -> m.Event:
        return self._http.get(path("/events/{}", event_id))

    def list(self, **query: Any) -> List[m.Event]:
        return List(self._http, "/events", query)

    def follow(
        self,
        *,
        types: Sequence[str] | None = None,
        subject: str | None = None,
        last_event_id: str | None = None,
    ) -> Iterator[m.Event]:
        """Each event once, in order, without end; a lost connection goes on where it broke.

        `last_event_id` begins behind an event: the `id` of the last one you handled.
        """
        query = {"types": types, "subject": subject}
        for data in self._http.follow("/events/stream", query, last_event_id):
            yield data


class WebhookEndpoints(Resource):
    """Where events are sent."""

    def create(
        self, body: m.NewEndpointBodyRequest, **options: Unpack[Options]
    ) -> m.WebhookSecret:
        """The secret is in this answer and in no other."""
        return self._http.post("/webhook-endpoints", body, options)

    def get(self, endpoint_id: str) -> m.WebhookEndpoint:
        return self._http.get(path("/webhook-endpoints/{}", endpoint_id))

    def list(self) -> List[m.WebhookEndpoint]:
        return List(self._http, "/webhook-endpoints", {})

    def update(
        self, endpoint_id: str, changes: m.PatchedEndpointChangesBodyRequest
    ) -> m.WebhookEndpoint:
        return self._http.change("PATCH", path("/webhook-endpoints/{}", endpoint_id), changes)

    def delete(self, endpoint_id: str) -> None:
        self._http.change("DELETE", path("/webhook-endpoints/{}", endpoint_id))

    def rotate_secret(
        self,
        endpoint_id: str,
        body: m.RotateSecretBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.WebhookSecret:
        where = path("/webhook-endpoints/{}/rotate-secret", endpoint_id)
        return self._http.post(where, body, options)

    def test(self, endpoint_id: str, **options: Unpack[Options]) -> m.WebhookDeliveryDetail:
        return self._http.post(path("/webhook-endpoints/{}/test", endpoint_id), None, options)

    def replay(
        self, endpoint_id: str, body: m.ReplayBodyRequest, **options: Unpack[Options]
    ) -> m.WebhookReplay:
        """What it did not take is sent again; call it again while `hasMore` is true."""
        return self._http.post(
            path("/webhook-endpoints/{}/replay", endpoint_id), body, options
        )

    def deliveries(self, endpoint_id: str, **query: Any) -> List[m.WebhookDelivery]:
        return List(self._http, path("/webhook-endpoints/{}/deliveries", endpoint_id), query)

    def redeliver(
        self, endpoint_id: str, delivery_id: str, **options: Unpack[Options]
    ) -> m.WebhookDeliveryDetail:
        template = "/webhook-endpoints/{}/deliveries/{}/redeliver"
        return self._http.post(path(template, endpoint_id, delivery_id), None, options)


class Reports(Resource):
    """Files for finance."""

    def types(self) -> m.ReportTypeList:
        return self._http.get("/reports/types")

    def run(self, body: m.NewReportRunBodyRequest, **options: Unpack[Options]) -> m.ReportRun:
        return self._http.post("/reports/runs", body, options)

    def get(self, run_id: str) -> m.ReportRun:
        return self._http.get(path("/reports/runs/{}", run_id))

    def list(self) -> List[m.ReportRun]:
        return List(self._http, "/reports/runs", {})

    def save(self, run_id: str, to: str | Path) -> None:
        """Write the file of a run that is done, piece by piece."""
        with Path(to).open("wb") as target:
            for piece in self._http.pieces(path("/reports/runs/{}/file", run_id)):
                target.write(piece)


class Sandbox(Resource):
    """Only on the sandbox network: money, time and trouble on demand."""

    def deposit(
        self, body: m.PretendDepositBodyRequest, **options: Unpack[Options]
    ) -> m.PretendDeposit:
        return self._http.post("/sandbox/deposits", body, options)

    def clock(self, body: m.ClockBodyRequest, **options: Unpack[Options]) -> m.Clock:
        return self._http.post("/sandbox/clock", body, options)

    def fault(self, body: m.FaultBodyRequest, **options: Unpack[Options]) -> m.Fault:
        return self._http.post("/sandbox/faults", body, options)

    def heal(self) -> m.Cleared:
        return self._http.change("DELETE", "/sandbox/faults")

    def scenarios(self) -> m.Scenarios:
        return self._http.get("/sandbox/scenarios")
