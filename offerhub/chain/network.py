"""The network that this installation speaks with, as one bundle."""

import threading
from functools import cache
from typing import Any

import requests
from django.conf import settings
from stellar_sdk import Asset

from offerhub import networks
from offerhub.chain.types import ChainUnavailable
from offerhub.networks import Network

_lock = threading.Lock()
_sandbox_facts: dict[str, dict[str, Any]] = {}


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
    """What the sandbox says of itself: issuer, key of its escrow service, factory."""
    with _lock:
        if url not in _sandbox_facts:
            try:
                answer = requests.get(f"{url}/control/health", timeout=3)
                answer.raise_for_status()
            except requests.RequestException as error:
                raise ChainUnavailable(
                    f"The sandbox network does not answer at {url}; start it with "
                    "`manage.py up` or `manage.py sandbox`, or set OFFERHUB_SANDBOX_URL"
                ) from error
            _sandbox_facts[url] = answer.json()
        return _sandbox_facts[url]


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
    return _contract_id(current().asset_code, current().usdc_issuer, current().passphrase)


@cache
def _contract_id(code: str, issuer: str, passphrase: str) -> str:
    return str(Asset(code, issuer or None).contract_id(passphrase))
