"""Assets, amounts and the way Horizon prints them.

An asset is text everywhere inside: ``native`` or ``CODE:ISSUER`` (SEP-11). An amount is an
int of stroops, 10^-7 of a unit.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from stellar_sdk import Asset, xdr

from offerhub.sandbox.codec import I128_MAX, account_text

NATIVE = "native"
ONE = 10_000_000
I64_MAX = 2**63 - 1


@lru_cache(maxsize=4096)
def contract_of(asset: str, passphrase: str) -> str:
    """The id of the asset's own token contract (SAC) on the network."""
    return sdk_asset(asset).contract_id(passphrase)


def sdk_asset(asset: str) -> Asset:
    """The stellar_sdk object of an asset's text."""
    if asset == NATIVE:
        return Asset.native()
    code, issuer = asset.split(":")
    return Asset(code, issuer)


def issuer_of(asset: str) -> str:
    """The issuer's G... address, or an empty text for the native asset."""
    return "" if asset == NATIVE else asset.partition(":")[2]


def text(asset: xdr.Asset | xdr.ChangeTrustAsset | xdr.TrustLineAsset) -> str:
    """The text of an XDR asset; ValueError for liquidity pool shares."""
    if asset.type == xdr.AssetType.ASSET_TYPE_NATIVE:
        return NATIVE
    alpha = asset.alpha_num4 or asset.alpha_num12
    if alpha is None or alpha.issuer.account_id.ed25519 is None:
        raise ValueError("not an asset of an issuer")
    code = alpha.asset_code
    raw = code.asset_code4 if isinstance(code, xdr.AssetCode4) else code.asset_code12
    name = raw.rstrip(b"\0").decode("ascii")
    return f"{name}:{account_text(alpha.issuer.account_id.ed25519.uint256)}"


@lru_cache(maxsize=4096)
def _fields(asset: str) -> tuple[tuple[str, str], ...]:
    if asset == NATIVE:
        return (("asset_type", NATIVE),)
    code, issuer = asset.split(":")
    kind = "credit_alphanum4" if len(code) <= 4 else "credit_alphanum12"
    return (("asset_type", kind), ("asset_code", code), ("asset_issuer", issuer))


def fields(asset: str, prefix: str = "") -> dict[str, str]:
    """The three fields by which Horizon names an asset (one for the native asset)."""
    return {prefix + name: value for name, value in _fields(asset)}


def decimal_text(stroops: int) -> str:
    """Stroops as Horizon prints amounts: seven decimals."""
    sign, number = ("-", -stroops) if stroops < 0 else ("", stroops)
    return f"{sign}{number // ONE}.{number % ONE:07d}"


def stroops(amount: object) -> int:
    """Stroops of a decimal text or number with at most 7 decimals; ValueError otherwise."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise ValueError("an amount is a number or a decimal text")
    try:
        scaled = Decimal(amount) * ONE
    except InvalidOperation:
        raise ValueError("an amount is a number or a decimal text") from None
    if not scaled.is_finite() or abs(scaled) > I128_MAX:
        raise ValueError("an amount that no contract can hold")
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount has at most 7 decimals")
    return int(scaled)


def whole(amount: int) -> int | float:
    """Stroops as the JSON number that the escrow API answers: whole units of the asset."""
    if amount % ONE == 0:
        return amount // ONE
    return float(Decimal(amount) / ONE)
