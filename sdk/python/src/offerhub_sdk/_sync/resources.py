"""The API's routes by name: thin, and typed by its OpenAPI document."""

from typing import IO, Any, Literal, Unpack

from offerhub_sdk import models as m
from offerhub_sdk._sync.http import List, Resource, Options
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


class Operations(Resource):
    """Calls to the chain."""

    def get(self, operation_id: str) -> m.Operation:
        return self._http.get(path("/operations/{}", operation_id))
