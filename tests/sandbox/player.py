"""A small client for the tests: people with wallets, and the escrow API in two calls."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import requests
from stellar_sdk import (
    Account,
    Asset,
    Keypair,
    TransactionBuilder,
    TransactionEnvelope,
)


@dataclass(frozen=True)
class Sent:
    """What the escrow API answered to a signed envelope."""

    status: int
    body: dict[str, Any]
    hash: str

    @property
    def ok(self) -> bool:
        return self.status == 200 and self.body.get("status") == "SUCCESS"


class Player:
    """Everything a test does to a sandbox goes over HTTP through here."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.health: dict[str, Any] = self.http.get(f"{url}/control/health").json()
        self.passphrase: str = self.health["networkPassphrase"]
        self.issuer: str = self.health["usdcIssuer"]
        self.usdc = Asset("USDC", self.issuer)
        self.key = {"x-api-key": self.health["trustlessWorkApiKey"]}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.http.get(self.url + path, params=params)

    def control(self, name: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.url}/control/{name}", json=body)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rpc(self, method: str, **params: Any) -> dict[str, Any]:
        """A JSON-RPC call by hand; answers the whole reply."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: dict[str, Any] = self.http.post(f"{self.url}/rpc", json=body).json()
        return answer

    def fault(self, path: str, answer: str, method: str = "POST", **more: Any) -> dict[str, Any]:
        return self.control("faults", match={"path": path, "method": method}, answer=answer, **more)

    def friend(self, keypair: Keypair | None = None) -> Keypair:
        """A new account with 10 000 XLM and no trustline."""
        keypair = keypair or Keypair.random()
        assert self.get("/friendbot", addr=keypair.public_key).status_code == 200
        return keypair

    def person(self, usdc: str = "") -> Keypair:
        """A new account with a trustline, and test USDC when wanted."""
        keypair = self.friend()
        trust = self.builder(keypair).append_change_trust_op(self.usdc)
        assert self.submit(trust, keypair).status_code == 200
        if usdc:
            self.control("mint", address=keypair.public_key, amount=usdc)
        return keypair

    def sequence(self, keypair: Keypair) -> int:
        return int(self.get(f"/accounts/{keypair.public_key}").json()["sequence"])

    def builder(self, source: Keypair, fee: int = 100, timeout: int = 300) -> TransactionBuilder:
        account = Account(source.public_key, self.sequence(source))
        builder = TransactionBuilder(account, self.passphrase, base_fee=fee)
        return builder.add_time_bounds(0, self.now() + timeout)

    def now(self) -> int:
        return int(self.get("/control/clock").json()["epoch"])

    def signed(self, builder: TransactionBuilder, *signers: Keypair) -> str:
        envelope = builder.build()
        for signer in signers:
            envelope.sign(signer)
        return envelope.to_xdr()

    def submit(self, builder: TransactionBuilder, *signers: Keypair) -> requests.Response:
        return self.post_xdr(self.signed(builder, *signers))

    def post_xdr(self, text: str, path: str = "/transactions") -> requests.Response:
        return self.http.post(self.url + path, data={"tx": text})

    def pay(self, source: Keypair, to: str, amount: str, **more: Any) -> requests.Response:
        asset = more.pop("asset", self.usdc)
        builder = self.builder(source).append_payment_op(to, asset, amount)
        return self.submit(builder, source)

    def balance(self, address: str, asset: Asset | None = None) -> Decimal:
        """What an account holds on the network; test USDC when no asset is named."""
        wanted = asset or self.usdc
        for line in self.get(f"/accounts/{address}").json()["balances"]:
            if line["asset_type"] == "native" and wanted.is_native():
                return Decimal(line["balance"])
            if (line.get("asset_code"), line.get("asset_issuer")) == (wanted.code, wanted.issuer):
                return Decimal(line["balance"])
        raise AssertionError(f"{address} does not hold {wanted.code}")

    def held(self, contract: str) -> Decimal:
        state = self.get("/control/state").json()
        return Decimal(state["contracts"][contract]["balance"])

    def build(self, path: str, body: dict[str, Any], method: str = "POST") -> requests.Response:
        return self.http.request(method, self.url + path, json=body, headers=self.key)

    def envelope(self, path: str, body: dict[str, Any], method: str = "POST") -> str:
        """The unsigned envelope of a build that must succeed."""
        answer = self.build(path, body, method)
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "SUCCESS"
        text: str = answer.json()["unsignedTransaction"]
        return text

    def send(self, text: str, *signers: Keypair) -> Sent:
        envelope = TransactionEnvelope.from_xdr(text, self.passphrase)
        for signer in signers:
            envelope.sign(signer)
        answer = self.build("/helper/send-transaction", {"signedXdr": envelope.to_xdr()})
        return Sent(answer.status_code, answer.json(), envelope.hash_hex())

    def do(self, who: Keypair, path: str, body: dict[str, Any], method: str = "POST") -> Sent:
        """Build, sign and send; the outcome must be a success."""
        sent = self.send(self.envelope(path, body, method), who)
        assert sent.ok, sent
        return sent

    def refusal(self, path: str, body: dict[str, Any], method: str = "POST") -> str:
        """The rule message with which a build is refused."""
        answer = self.build(path, body, method)
        assert answer.status_code == 500, answer.text
        assert answer.json()["statusCode"] == 500
        message: str = answer.json()["message"]
        return message

    def operations(self, digest: str) -> list[dict[str, Any]]:
        answer = self.get(f"/transactions/{digest}/operations", join="transactions")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["_embedded"]["records"]
        return found

    def paid(self, digest: str) -> list[tuple[str, Decimal]]:
        """Who got what from a contract call, in order."""
        changes = self.operations(digest)[0]["asset_balance_changes"]
        return [(change["to"], Decimal(change["amount"])) for change in changes]
