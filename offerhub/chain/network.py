"""The network that this installation speaks with, as one bundle."""

from functools import cache, lru_cache
from typing import Any

import orjson
from django.conf import settings
from stellar_sdk import Asset

from offerhub import networks
from offerhub.chain import http
from offerhub.chain.types import ChainUnavailable
from offerhub.networks import Network

_sandbox_facts: dict[str, dict[str, Any]] = {}


class WrongNetwork(Exception):
    """A server belongs to another network than the one that is configured. Nothing may be sent."""


def current() -> Network:
    """The bundle of settings.OFFERHUB_NETWORK. Raises ChainUnavailable when the sandbox is away."""
    if settings.OFFERHUB_NETWORK == "sandbox":
        return _sandbox(settings.SANDBOX_URL)
    return _real(settings.OFFERHUB_NETWORK)


@cache
def _sandbox(url: str) -> Network:
    return networks.sandbox(url, str(sandbox_facts(url)["usdcIssuer"]))


@cache
def _real(name: str) -> Network:
    bundle = {"testnet": networks.TESTNET, "mainnet": networks.MAINNET}[name]
    return networks.with_addresses(
        bundle,
        horizon_url=settings.HORIZON_URL,
        rpc_url=settings.RPC_URL,
        trustless_work_url=settings.TRUSTLESS_WORK_URL,
    )


def sandbox_facts(url: str) -> dict[str, Any]:
    """What the sandbox says of itself: issuer, key of its escrow service, factory.

    Threads that want to know at once all ask: behind a lock they would wait for each other's time
    limit in turn while it is silent.
    """
    if (known := _sandbox_facts.get(url)) is not None:
        return known
    try:
        found = dict(http.read(f"{url}/control/health").body)
    except (ChainUnavailable, TypeError, ValueError) as error:
        raise ChainUnavailable(
            f"The sandbox network does not answer at {url}; start it with "
            "`manage.py up` or `manage.py sandbox`, or set OFFERHUB_SANDBOX_URL"
        ) from error
    _sandbox_facts[url] = found
    return found


def forget() -> None:
    """Ask the sandbox anew for what it says of itself: another one may answer at its address."""
    _sandbox_facts.clear()
    _sandbox.cache_clear()


def verify_passphrase() -> None:
    """Raise WrongNetwork unless Horizon and RPC are of the configured network.

    For the start of a process: signatures of one network are worth nothing on another, but
    deposits read from another would be credited. Raises ChainUnavailable when one does not answer.
    """
    network = current()
    root = http.read(f"{network.horizon_url}/").body
    with http.in_known_shape("Horizon's root"):
        _require_same(network, network.horizon_url, root["network_passphrase"])
    if network.rpc_url:
        request = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "getNetwork"})
        answer = http.call("POST", network.rpc_url, content=request)
        if not answer.ok:
            raise ChainUnavailable(f"RPC at {network.rpc_url} answered {answer.status}")
        with http.in_known_shape("RPC's network"):
            _require_same(network, network.rpc_url, answer.body["result"]["passphrase"])


def _require_same(network: Network, url: str, passphrase: str) -> None:
    if passphrase != network.passphrase:
        raise WrongNetwork(
            f"{url} is of the network {passphrase!r}, but OFFERHUB_NETWORK is {network.name} "
            f"({network.passphrase!r}); correct one of the two addresses"
        )


def trustless_work_key() -> str:
    """The API key of the escrow provider."""
    if settings.OFFERHUB_NETWORK == "sandbox":
        return str(sandbox_facts(settings.SANDBOX_URL)["trustlessWorkApiKey"])
    return str(settings.TRUSTLESS_WORK_API_KEY)


def usdc() -> Asset:
    """The asset in which marketplaces are paid."""
    return Asset(current().asset_code, current().usdc_issuer)


def usdc_contract() -> str:
    """Its token contract (C…)."""
    return token_contract(current().asset_code, current().usdc_issuer)


def token_contract(code: str, issuer: str) -> str:
    """The contract of an asset, "XLM" with no issuer for the native one; "" when it can not be.

    An asset's contract follows from its name, so events are believed by this and by nothing else.
    """
    return _contract_id(code, issuer, current().passphrase)


@lru_cache(maxsize=1024)
def _contract_id(code: str, issuer: str, passphrase: str) -> str:
    try:
        asset = Asset(code, issuer) if issuer else Asset.native()
        return str(asset.contract_id(passphrase))
    except Exception:
        return ""  # a name that no asset can have
