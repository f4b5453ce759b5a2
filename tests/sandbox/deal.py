"""An escrow between five people, in both kinds, one method per step."""

from __future__ import annotations

from typing import Any

from stellar_sdk import Keypair

from tests.sandbox.player import Player, Sent


class Deal:
    """Buyer (approver and release signer), seller, platform, resolver; 500 USDC at 5 %."""

    def __init__(self, player: Player, kind: str = "single", **changed: Any) -> None:
        self.player = player
        self.kind = kind
        self.buyer = player.person("1000")
        self.seller, self.platform, self.resolver = (player.person() for _ in range(3))
        self.body = self.terms() | changed
        self.contract = ""

    def terms(self) -> dict[str, Any]:
        """A deploy body."""
        buyer, seller = self.buyer.public_key, self.seller.public_key
        roles = {
            "approver": buyer,
            "serviceProvider": seller,
            "platformAddress": self.platform.public_key,
            "releaseSigner": buyer,
            "disputeResolver": self.resolver.public_key,
        }
        common: dict[str, Any] = {
            "signer": buyer,
            "engagementId": "ord_1",
            "title": "Website",
            "description": "A website in two parts",
            "platformFee": 5,
            "trustline": {"address": self.player.issuer, "symbol": "USDC"},
        }
        if self.kind == "single":
            milestones: list[dict[str, Any]] = [{"description": "All of it"}]
            extra: dict[str, Any] = {"amount": 500}
            roles["receiver"] = seller
        else:
            milestones = [
                {"description": "Design", "amount": 200, "receiver": seller},
                {"description": "Build", "amount": 300, "receiver": seller},
            ]
            extra = {}
        return {**common, **extra, "roles": roles, "milestones": milestones}

    def path(self, name: str) -> str:
        return f"/escrow/{self.kind}-release/{name}"

    def deploy(self) -> Deal:
        sent = self.player.do(self.buyer, f"/deployer/{self.kind}-release", self.body)
        self.contract = sent.body["contractId"]
        return self

    def funded(self, amount: float = 500) -> Deal:
        """Deployed and funded."""
        self.deploy()
        self.fund(amount)
        return self

    def fund_body(self, amount: float) -> dict[str, Any]:
        return {
            "contractId": self.contract,
            "signer": self.buyer.public_key,
            "amount": amount,
        }

    def fund(self, amount: float = 500) -> Sent:
        return self.player.do(self.buyer, self.path("fund-escrow"), self.fund_body(amount))

    def status_body(self, index: int = 0, **changed: Any) -> dict[str, Any]:
        body = {
            "contractId": self.contract,
            "milestoneIndex": str(index),
            "newStatus": "completed",
            "newEvidence": "a link",
            "serviceProvider": self.seller.public_key,
        }
        return body | changed

    def complete(self, index: int = 0) -> Sent:
        path = self.path("change-milestone-status")
        return self.player.do(self.seller, path, self.status_body(index))

    def approve_body(self, index: int = 0, **changed: Any) -> dict[str, Any]:
        body = {
            "contractId": self.contract,
            "milestoneIndex": str(index),
            "approver": self.buyer.public_key,
        }
        return body | changed

    def approve(self, index: int = 0) -> Sent:
        return self.player.do(self.buyer, self.path("approve-milestone"), self.approve_body(index))

    def _indexed(self, body: dict[str, Any], index: int) -> dict[str, Any]:
        return body if self.kind == "single" else {**body, "milestoneIndex": str(index)}

    @property
    def release_path(self) -> str:
        single = self.kind == "single"
        return self.path("release-funds" if single else "release-milestone-funds")

    def release_body(self, index: int = 0, **changed: Any) -> dict[str, Any]:
        body = {"contractId": self.contract, "releaseSigner": self.buyer.public_key}
        return self._indexed(body, index) | changed

    def release(self, index: int = 0) -> Sent:
        return self.player.do(self.buyer, self.release_path, self.release_body(index))

    @property
    def dispute_path(self) -> str:
        return self.path("dispute-escrow" if self.kind == "single" else "dispute-milestone")

    def dispute_body(self, who: Keypair | None = None, index: int = 0) -> dict[str, Any]:
        signer = (who or self.buyer).public_key
        return self._indexed({"contractId": self.contract, "signer": signer}, index)

    def dispute(self, who: Keypair | None = None, index: int = 0) -> Sent:
        who = who or self.buyer
        return self.player.do(who, self.dispute_path, self.dispute_body(who, index))

    @property
    def resolve_path(self) -> str:
        single = self.kind == "single"
        return self.path("resolve-dispute" if single else "resolve-milestone-dispute")

    def split_body(self, split: dict[str, Any], index: int | None = 0) -> dict[str, Any]:
        body = {
            "contractId": self.contract,
            "disputeResolver": self.resolver.public_key,
            "distributions": [{"address": a, "amount": n} for a, n in split.items()],
        }
        return body if index is None else self._indexed(body, index)

    def resolve(self, split: dict[str, Any], index: int = 0) -> Sent:
        body = self.split_body(split, index)
        return self.player.do(self.resolver, self.resolve_path, body)

    def withdraw_body(self, split: dict[str, Any]) -> dict[str, Any]:
        return self.split_body(split, None)

    def withdraw(self, split: dict[str, Any]) -> Sent:
        path = self.path("withdraw-remaining-funds")
        return self.player.do(self.resolver, path, self.withdraw_body(split))

    def row(self, **params: Any) -> dict[str, Any]:
        """The escrow as the API's indexer shows it."""
        answer = self.player.http.get(
            f"{self.player.url}/helper/get-escrow-by-contract-ids",
            params={"contractIds[]": [self.contract], **params},
            headers=self.player.key,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()[0]
        return found
