"""Networks as bundles: choosing `OFFERHUB_NETWORK` chooses every address and id together, so a
testnet passphrase can never meet a mainnet server. Single values can be overridden for testnet
and the sandbox; on mainnet only the service addresses can.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Network:
    """Everything that differs between networks. URLs without a trailing slash."""

    name: str
    passphrase: str
    horizon_url: str
    rpc_url: str
    friendbot_url: str
    trustless_work_url: str
    usdc_issuer: str
    asset_code: str = "USDC"


SANDBOX_PASSPHRASE = "Offerhub Sandbox Network ; 2026"


def sandbox(base_url: str, usdc_issuer: str) -> Network:
    """The sandbox serves every protocol on one port; its issuer follows from its seed."""
    return Network(
        name="sandbox",
        passphrase=SANDBOX_PASSPHRASE,
        horizon_url=base_url,
        rpc_url=f"{base_url}/rpc",
        friendbot_url=f"{base_url}/friendbot",
        trustless_work_url=base_url,
        usdc_issuer=usdc_issuer,
    )


TESTNET = Network(
    name="testnet",
    passphrase="Test SDF Network ; September 2015",
    horizon_url="https://horizon-testnet.stellar.org",
    rpc_url="https://soroban-testnet.stellar.org",
    friendbot_url="https://friendbot.stellar.org",
    trustless_work_url="https://dev.api.trustlesswork.com",
    usdc_issuer="GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5",
)

MAINNET = Network(
    name="mainnet",
    passphrase="Public Global Stellar Network ; September 2015",
    horizon_url="https://horizon.stellar.org",
    rpc_url="",
    friendbot_url="",
    trustless_work_url="https://api.trustlesswork.com",
    usdc_issuer="GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN",
)


def with_addresses(
    bundle: Network, *, horizon_url: str = "", rpc_url: str = "", trustless_work_url: str = ""
) -> Network:
    """The bundle with another server for a service, where one is given."""
    return replace(
        bundle,
        horizon_url=(horizon_url or bundle.horizon_url).rstrip("/"),
        rpc_url=(rpc_url or bundle.rpc_url).rstrip("/"),
        trustless_work_url=(trustless_work_url or bundle.trustless_work_url).rstrip("/"),
    )
