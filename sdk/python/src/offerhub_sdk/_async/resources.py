"""The API's routes by name: thin, and typed by its OpenAPI document."""

from typing import IO, Any, Literal, Unpack

from offerhub_sdk import models as m
from offerhub_sdk._async.http import AsyncList, AsyncResource, Options
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


class AsyncOperations(AsyncResource):
    """Calls to the chain."""

    async def get(self, operation_id: str) -> m.Operation:
        return await self._http.get(path("/operations/{}", operation_id))
