"""When a claimant may claim: predicates as Horizon shows them, and what they say at a time."""

from __future__ import annotations

from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox.clock import iso

Predicate = dict[str, Any]

DEEPEST = 4
_LATEST = 253_402_300_800  # what comes after the year 9999 has no date
_KIND = xdr.ClaimPredicateType


def read(predicate: xdr.ClaimPredicate, depth: int = 1) -> Predicate:
    """Horizon's JSON of a predicate; ValueError for one that the network refuses."""
    if depth > DEEPEST:
        raise ValueError("predicates are nested too deeply")
    kind = predicate.type
    if kind == _KIND.CLAIM_PREDICATE_UNCONDITIONAL:
        return {"unconditional": True}
    if kind == _KIND.CLAIM_PREDICATE_NOT:
        if predicate.not_predicate is None:
            raise ValueError("nothing is negated")
        return {"not": read(predicate.not_predicate, depth + 1)}
    if kind in (_KIND.CLAIM_PREDICATE_AND, _KIND.CLAIM_PREDICATE_OR):
        both = predicate.and_predicates or predicate.or_predicates or []
        if len(both) != 2:
            raise ValueError("two predicates are joined")
        name = "and" if kind == _KIND.CLAIM_PREDICATE_AND else "or"
        return {name: [read(one, depth + 1) for one in both]}
    when = predicate.abs_before or predicate.rel_before
    if when is None or when.int64 < 0:
        raise ValueError("a time is not negative")
    if predicate.rel_before is not None:
        return {"rel_before": str(when.int64)}
    return _absolute(when.int64)


def _absolute(epoch: int) -> Predicate:
    shown = iso(epoch) if epoch < _LATEST else ""
    return {"abs_before": shown, "abs_before_epoch": str(epoch)}


def fixed(predicate: Predicate, made_at: int) -> Predicate:
    """The same with relative times counted from when the balance was made, as the ledger keeps."""
    if "rel_before" in predicate:
        return _absolute(min(made_at + int(predicate["rel_before"]), 2**63 - 1))
    if "not" in predicate:
        return {"not": fixed(predicate["not"], made_at)}
    for name in ("and", "or"):
        if name in predicate:
            return {name: [fixed(one, made_at) for one in predicate[name]]}
    return predicate


def holds(predicate: Predicate, now: int) -> bool:
    """Whether a fixed predicate lets its claimant claim in a ledger that closes now."""
    if "not" in predicate:
        return not holds(predicate["not"], now)
    if "and" in predicate:
        return all(holds(one, now) for one in predicate["and"])
    if "or" in predicate:
        return any(holds(one, now) for one in predicate["or"])
    return "unconditional" in predicate or now < int(predicate["abs_before_epoch"])
