"""The API's routes by name: thin, and typed by its OpenAPI document."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, Unpack

from offerhub_sdk import models as m
from offerhub_sdk._async.http import AsyncList, AsyncResource, Options, at_once
from offerhub_sdk._core import path


class AsyncUsers(AsyncResource):
    """Buyers and sellers."""

    async def create(self, body: m.NewUserBodyRequest, **options: Unpack[Options]) -> m.User:
        return await self._http.post("/users", body, options)

    async def get(self, user_id: str) -> m.User:
        return await self._http.get(path("/users/{}", user_id))

    def list(self, **query: Any) -> AsyncList[m.User]:
        return AsyncList(self._http, "/users", query)

    async def update(self, user_id: str, changes: m.PatchedUserChangesBodyRequest) -> m.User:
        return await self._http.change("PATCH", path("/users/{}", user_id), changes)

    async def balance(self, user_id: str) -> m.Balance:
        return await self._http.get(path("/users/{}/balance", user_id))

    async def wallet(self, user_id: str) -> m.Wallet:
        return await self._http.get(path("/users/{}/wallet", user_id))

    def statement(self, user_id: str, **query: Any) -> AsyncList[m.StatementLine]:
        return AsyncList(self._http, path("/users/{}/statement", user_id), query)

    async def proof(self, user_id: str) -> m.UserProof:
        """That the newest proof of funds counts this user's balance."""
        return await self._http.get(path("/users/{}/proof", user_id))

    def destinations(self, user_id: str) -> AsyncList[m.SavedDestination]:
        return AsyncList(self._http, path("/users/{}/destinations", user_id), {})

    async def add_destination(
        self, user_id: str, body: m.NewDestinationBodyRequest, **options: Unpack[Options]
    ) -> m.SavedDestination:
        return await self._http.post(path("/users/{}/destinations", user_id), body, options)

    async def rename_destination(
        self, user_id: str, destination_id: str, changes: m.PatchedLabelBodyRequest
    ) -> m.SavedDestination:
        where = path("/users/{}/destinations/{}", user_id, destination_id)
        return await self._http.change("PATCH", where, changes)

    async def remove_destination(self, user_id: str, destination_id: str) -> m.SavedDestination:
        where = path("/users/{}/destinations/{}", user_id, destination_id)
        return await self._http.change("DELETE", where)


class AsyncDeposits(AsyncResource):
    """Money that arrived."""

    async def get(self, deposit_id: str) -> m.Deposit:
        return await self._http.get(path("/deposits/{}", deposit_id))

    def list(self, **query: Any) -> AsyncList[m.Deposit]:
        return AsyncList(self._http, "/deposits", query)


class AsyncOrders(AsyncResource):
    """Sales."""

    async def create(self, body: m.NewOrderBodyRequest, **options: Unpack[Options]) -> m.Order:
        return await self._http.post("/orders", body, options)

    async def get(self, order_id: str) -> m.Order:
        return await self._http.get(path("/orders/{}", order_id))

    def list(self, **query: Any) -> AsyncList[m.Order]:
        return AsyncList(self._http, "/orders", query)

    async def reserve(self, order_id: str, **options: Unpack[Options]) -> m.Order:
        return await self._http.post(path("/orders/{}/reserve", order_id), None, options)

    async def cancel(
        self,
        order_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Order:
        return await self._http.post(path("/orders/{}/cancel", order_id), body, options)

    async def ship(
        self, order_id: str, body: m.ShipBodyRequest | None = None, **options: Unpack[Options]
    ) -> m.Order:
        return await self._http.post(path("/orders/{}/ship", order_id), body, options)

    async def extend(
        self, order_id: str, body: m.ExtendBodyRequest, **options: Unpack[Options]
    ) -> m.Order:
        return await self._http.post(path("/orders/{}/extend", order_id), body, options)

    async def milestones(self, order_id: str) -> m.Milestones:
        return await self._http.get(path("/orders/{}/milestones", order_id))

    async def timeline(self, order_id: str) -> m.Timeline:
        return await self._http.get(path("/orders/{}/timeline", order_id))


class AsyncEscrows(AsyncResource):
    """Contracts that hold the money of orders."""

    async def create(self, body: m.NewEscrowBodyRequest, **options: Unpack[Options]) -> m.Escrow:
        return await self._http.post("/escrow", body, options)

    async def get(self, escrow_id: str) -> m.Escrow:
        return await self._http.get(path("/escrow/{}", escrow_id))

    async def fund(self, escrow_id: str, **options: Unpack[Options]) -> m.Escrow:
        return await self._http.post(path("/escrow/{}/fund", escrow_id), None, options)


class AsyncResolution(AsyncResource):
    """How an order's money leaves its contract."""

    async def release(self, body: m.ReleaseBodyRequest, **options: Unpack[Options]) -> m.Order:
        """Without an `action` the steps that are still missing are done, and it is released."""
        return await self._http.post("/resolution/release", body, options)

    async def refund(self, body: m.RefundBodyRequest, **options: Unpack[Options]) -> m.Order:
        return await self._http.post("/resolution/refund", body, options)


class AsyncDisputes(AsyncResource):
    """Complaints and their settlement."""

    async def create(self, body: m.NewDisputeBodyRequest, **options: Unpack[Options]) -> m.Dispute:
        return await self._http.post("/disputes", body, options)

    async def get(self, dispute_id: str) -> m.Dispute:
        return await self._http.get(path("/disputes/{}", dispute_id))

    def list(self, **query: Any) -> AsyncList[m.Dispute]:
        return AsyncList(self._http, "/disputes", query)

    async def resolve(
        self, dispute_id: str, body: m.ResolveBodyRequest, **options: Unpack[Options]
    ) -> m.Dispute:
        """Over the approval threshold the answer is a proposal that a second person approves."""
        return await self._http.post(path("/disputes/{}/resolve", dispute_id), body, options)

    async def withdraw(
        self, dispute_id: str, body: m.WithdrawBodyRequest, **options: Unpack[Options]
    ) -> m.Dispute:
        return await self._http.post(path("/disputes/{}/withdraw", dispute_id), body, options)

    async def add_statement(
        self, dispute_id: str, body: m.StatementBodyRequest, **options: Unpack[Options]
    ) -> m.Statement:
        return await self._http.post(path("/disputes/{}/statements", dispute_id), body, options)

    async def add_message(
        self, dispute_id: str, body: m.MessageBodyRequest, **options: Unpack[Options]
    ) -> m.Message:
        return await self._http.post(path("/disputes/{}/messages", dispute_id), body, options)

    def messages(self, dispute_id: str) -> AsyncList[m.Message]:
        return AsyncList(self._http, path("/disputes/{}/messages", dispute_id), {})

    async def add_evidence(
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
        return await self._http.post(where, {"by": by}, options, {"file": (name, content)})


class AsyncWithdrawals(AsyncResource):
    """Money on its way out."""

    async def create(
        self, body: m.NewWithdrawalBodyRequest, **options: Unpack[Options]
    ) -> m.Withdrawal:
        return await self._http.post("/withdrawals", body, options)

    async def get(self, withdrawal_id: str) -> m.Withdrawal:
        return await self._http.get(path("/withdrawals/{}", withdrawal_id))

    def list(self, **query: Any) -> AsyncList[m.Withdrawal]:
        return AsyncList(self._http, "/withdrawals", query)

    async def cancel(
        self,
        withdrawal_id: str,
        body: m.PayoutsCancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Withdrawal:
        return await self._http.post(path("/withdrawals/{}/cancel", withdrawal_id), body, options)

    async def create_batch(
        self, body: m.NewBatchBodyRequest, **options: Unpack[Options]
    ) -> m.BatchWithItems:
        """Many at once; each is answered by itself. Follow it with `get_batch`."""
        return await self._http.post("/withdrawals/batch", body, at_once(options))

    async def get_batch(self, batch_id: str) -> m.BatchWithItems:
        return await self._http.get(path("/withdrawals/batches/{}", batch_id))

    def batches(self) -> AsyncList[m.Batch]:
        return AsyncList(self._http, "/withdrawals/batches", {})


class AsyncCampaigns(AsyncResource):
    """Many backers, one goal."""

    async def create(
        self, body: m.NewCampaignBodyRequest, **options: Unpack[Options]
    ) -> m.Campaign:
        return await self._http.post("/campaigns", body, options)

    async def get(self, campaign_id: str) -> m.Campaign:
        return await self._http.get(path("/campaigns/{}", campaign_id))

    def list(self, **query: Any) -> AsyncList[m.Campaign]:
        return AsyncList(self._http, "/campaigns", query)

    def pledges(self, campaign_id: str, **query: Any) -> AsyncList[m.Pledge]:
        return AsyncList(self._http, path("/campaigns/{}/pledges", campaign_id), query)

    async def settle(self, campaign_id: str, **options: Unpack[Options]) -> m.Campaign:
        """Begins the settlement; follow it with `get` and its `progress`."""
        where = path("/campaigns/{}/settle", campaign_id)
        return await self._http.post(where, None, at_once(options))

    async def cancel(
        self,
        campaign_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Campaign:
        where = path("/campaigns/{}/cancel", campaign_id)
        return await self._http.post(where, body, at_once(options))

    async def retry(self, campaign_id: str, **options: Unpack[Options]) -> m.Campaign:
        where = path("/campaigns/{}/retry", campaign_id)
        return await self._http.post(where, None, at_once(options))


class AsyncSubscriptions(AsyncResource):
    """An order and an escrow for each billing cycle."""

    async def create(
        self, body: m.NewSubscriptionBodyRequest, **options: Unpack[Options]
    ) -> m.Subscription:
        return await self._http.post("/subscriptions", body, options)

    async def get(self, subscription_id: str) -> m.Subscription:
        return await self._http.get(path("/subscriptions/{}", subscription_id))

    def list(self, **query: Any) -> AsyncList[m.Subscription]:
        return AsyncList(self._http, "/subscriptions", query)

    async def update(
        self, subscription_id: str, changes: m.PatchedChangesBodyRequest
    ) -> m.Subscription:
        """The price from the next cycle on that has no order yet."""
        return await self._http.change("PATCH", path("/subscriptions/{}", subscription_id), changes)

    def cycles(self, subscription_id: str) -> AsyncList[m.Cycle]:
        return AsyncList(self._http, path("/subscriptions/{}/cycles", subscription_id), {})

    async def cancellation(self, subscription_id: str) -> m.Cancellation:
        """What cancelling now would pay."""
        return await self._http.get(path("/subscriptions/{}/cancellation", subscription_id))

    async def cancel(
        self,
        subscription_id: str,
        body: m.SubscriptionsCancelBodyRequest,
        **options: Unpack[Options],
    ) -> m.Subscription:
        return await self._http.post(
            path("/subscriptions/{}/cancel", subscription_id), body, options
        )

    async def pause(self, subscription_id: str, **options: Unpack[Options]) -> m.Subscription:
        return await self._http.post(
            path("/subscriptions/{}/pause", subscription_id), None, options
        )

    async def resume(
        self,
        subscription_id: str,
        body: m.ResumeBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Subscription:
        return await self._http.post(
            path("/subscriptions/{}/resume", subscription_id), body, options
        )


class AsyncOperations(AsyncResource):
    """Calls to the chain."""

    async def get(self, operation_id: str) -> m.Operation:
        return await self._http.get(path("/operations/{}", operation_id))

    async def sign(
        self, operation_id: str, signed_xdr: str, **options: Unpack[Options]
    ) -> m.Operation:
        """A party that holds its own key has signed the envelope of `unsignedXdr`."""
        where, body = path("/operations/{}/signature", operation_id), {"signedXdr": signed_xdr}
        return await self._http.post(where, body, options)

    async def envelope(self, operation_id: str, **options: Unpack[Options]) -> m.Operation:
        """A fresh envelope to sign."""
        return await self._http.post(path("/operations/{}/envelope", operation_id), None, options)

    async def cancel(
        self,
        operation_id: str,
        body: m.CancelBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.Operation:
        return await self._http.post(path("/operations/{}/cancel", operation_id), body, options)


class AsyncEvents(AsyncResource):
    """One ordered log of all that happens."""

    async def get(self, event_id: str) -> m.Event:
        return await self._http.get(path("/events/{}", event_id))

    def list(self, **query: Any) -> AsyncList[m.Event]:
        return AsyncList(self._http, "/events", query)

    async def follow(
        self,
        *,
        types: Sequence[str] | None = None,
        subject: str | None = None,
        last_event_id: str | None = None,
    ) -> AsyncIterator[m.Event]:
        """Each event once, in order, without end; a lost connection goes on where it broke.

        `last_event_id` begins behind an event: the `id` of the last one you handled.
        """
        query = {"types": types, "subject": subject}
        async for data in self._http.follow("/events/stream", query, last_event_id):
            yield data


class AsyncWebhookEndpoints(AsyncResource):
    """Where events are sent."""

    async def create(
        self, body: m.NewEndpointBodyRequest, **options: Unpack[Options]
    ) -> m.WebhookSecret:
        """The secret is in this answer and in no other."""
        return await self._http.post("/webhook-endpoints", body, options)

    async def get(self, endpoint_id: str) -> m.WebhookEndpoint:
        return await self._http.get(path("/webhook-endpoints/{}", endpoint_id))

    def list(self) -> AsyncList[m.WebhookEndpoint]:
        return AsyncList(self._http, "/webhook-endpoints", {})

    async def update(
        self, endpoint_id: str, changes: m.PatchedEndpointChangesBodyRequest
    ) -> m.WebhookEndpoint:
        return await self._http.change("PATCH", path("/webhook-endpoints/{}", endpoint_id), changes)

    async def delete(self, endpoint_id: str) -> None:
        await self._http.change("DELETE", path("/webhook-endpoints/{}", endpoint_id))

    async def rotate_secret(
        self,
        endpoint_id: str,
        body: m.RotateSecretBodyRequest | None = None,
        **options: Unpack[Options],
    ) -> m.WebhookSecret:
        where = path("/webhook-endpoints/{}/rotate-secret", endpoint_id)
        return await self._http.post(where, body, options)

    async def test(self, endpoint_id: str, **options: Unpack[Options]) -> m.WebhookDeliveryDetail:
        return await self._http.post(path("/webhook-endpoints/{}/test", endpoint_id), None, options)

    async def replay(
        self, endpoint_id: str, body: m.ReplayBodyRequest, **options: Unpack[Options]
    ) -> m.WebhookReplay:
        """What it did not take is sent again; call it again while `hasMore` is true."""
        return await self._http.post(
            path("/webhook-endpoints/{}/replay", endpoint_id), body, options
        )

    def deliveries(self, endpoint_id: str, **query: Any) -> AsyncList[m.WebhookDelivery]:
        return AsyncList(self._http, path("/webhook-endpoints/{}/deliveries", endpoint_id), query)

    async def redeliver(
        self, endpoint_id: str, delivery_id: str, **options: Unpack[Options]
    ) -> m.WebhookDeliveryDetail:
        template = "/webhook-endpoints/{}/deliveries/{}/redeliver"
        return await self._http.post(path(template, endpoint_id, delivery_id), None, options)


class AsyncReports(AsyncResource):
    """Files for finance."""

    async def types(self) -> m.ReportTypeList:
        return await self._http.get("/reports/types")

    async def run(self, body: m.NewReportRunBodyRequest, **options: Unpack[Options]) -> m.ReportRun:
        return await self._http.post("/reports/runs", body, options)

    async def get(self, run_id: str) -> m.ReportRun:
        return await self._http.get(path("/reports/runs/{}", run_id))

    def list(self) -> AsyncList[m.ReportRun]:
        return AsyncList(self._http, "/reports/runs", {})

    async def save(self, run_id: str, to: str | Path) -> None:
        """Write the file of a run that is done, piece by piece."""
        with Path(to).open("wb") as target:
            async for piece in self._http.pieces(path("/reports/runs/{}/file", run_id)):
                target.write(piece)


class AsyncSandbox(AsyncResource):
    """Only on the sandbox network: money, time and trouble on demand."""

    async def deposit(
        self, body: m.PretendDepositBodyRequest, **options: Unpack[Options]
    ) -> m.PretendDeposit:
        return await self._http.post("/sandbox/deposits", body, options)

    async def clock(self, body: m.ClockBodyRequest, **options: Unpack[Options]) -> m.Clock:
        return await self._http.post("/sandbox/clock", body, options)

    async def fault(self, body: m.FaultBodyRequest, **options: Unpack[Options]) -> m.Fault:
        return await self._http.post("/sandbox/faults", body, options)

    async def heal(self) -> m.Cleared:
        return await self._http.change("DELETE", "/sandbox/faults")

    async def scenarios(self) -> m.Scenarios:
        return await self._http.get("/sandbox/scenarios")
