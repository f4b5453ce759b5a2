"""Proofs of funds: the signed document, the tree over users, and a user's path in it."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from offerhub.chain.network import current
from offerhub.core import canonical, signing
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import NotFound
from offerhub.core.ids import id_from
from offerhub.marketplaces.models import Marketplace
from offerhub.reconciliation import verify_proof
from offerhub.reconciliation.funds import Funds, Leaf
from offerhub.reconciliation.looking import Verdict
from offerhub.reconciliation.models import Proof, ProofBranch, ProofLeaf, proof_id

VERSION = 1
LEVELS = 10
BRANCH = 2**LEVELS  # leaves under a node that is kept
Node = tuple[str, int]


@in_transaction
def keep(*, funds: Funds, actor: Actor) -> Proof:
    """Sign what was measured, and keep it with its tree."""
    branches = branches_of(funds.leaves)
    root_hash, root_sum = verify_proof.root(branches)
    name = proof_id()
    attached = {"addresses": _addresses(funds), "orders": funds.orders}
    document = _document(name, funds, (root_hash, root_sum), attached)
    proof = Proof.objects.create(
        id=name,
        marketplace_id=funds.marketplace_id,
        asset=funds.asset,
        owed=funds.owed,
        held=funds.held,
        leaves=len(funds.leaves),
        root_hash=root_hash,
        root_sum=root_sum,
        document=document,
        attached=attached,
        signature=signing.sign(verify_proof.canonical(document)).value,
        actor=str(actor),
    )
    ProofLeaf.objects.bulk_create(
        (
            ProofLeaf(
                proof=proof,
                position=place,
                user_id=leaf.user_id,
                nonce=leaf.nonce,
                balance=leaf.balance,
            )
            for place, leaf in enumerate(funds.leaves)
        ),
        batch_size=2000,
    )
    ProofBranch.objects.bulk_create(
        ProofBranch(proof=proof, position=place, hash=hash_, total=total)
        for place, (hash_, total) in enumerate(branches)
    )
    return proof


def branches_of(leaves: list[Leaf]) -> list[Node]:
    """The nodes above each BRANCH leaves, left to right."""
    return [
        verify_proof.root([leaf.node for leaf in leaves[start : start + BRANCH]])
        for start in range(0, len(leaves), BRANCH)
    ]


def _addresses(funds: Funds) -> list[dict[str, Any]]:
    return [
        {
            "address": each.target.owner,
            "kind": each.target.kind,
            "ledger": each.ledger,
            "amount": str(each.chain),
            "books": str(each.books),
        }
        for each in funds.looks
        if each.chain or each.books
    ]


def _document(
    name: str, funds: Funds, root: Node, attached: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    held: Counter[str] = Counter()
    gaps: Counter[Verdict] = Counter()
    for each in funds.looks:
        held[each.target.kind] += each.chain
        gaps[each.verdict] += each.chain - each.books
    ledgers = [each.ledger for each in funds.looks] or [0]
    network, users = current(), funds.of_users
    market = Marketplace.objects.get(pk=funds.marketplace_id)
    return {
        "version": VERSION,
        "id": name,
        "marketplace": {"id": market.pk, "name": market.name},
        "network": network.name,
        "asset": {"code": network.asset_code, "issuer": network.usdc_issuer},
        "takenAt": canonical.text(funds.at),
        "ledger": {"from": min(ledgers), "to": max(ledgers)},
        "tree": {"root": root[0], "sum": str(root[1]), "leaves": len(funds.leaves)},
        "owed": {
            "total": str(funds.owed),
            "parts": {"users": str(root[1]), "suspense": str(funds.suspense)},
            "ofUsers": {
                "available": str(users.get("available", 0)),
                "pendingWithdrawal": str(users.get("pending", 0)),
                "inOrders": str(users.get("reserved", 0) + users.get("escrow", 0)),
            },
        },
        "held": {
            "total": str(funds.held),
            "parts": {f"{kind}s": str(held[kind]) for kind in ("wallet", "contract", "platform")},
            "booksAtThatInstant": str(funds.books_held),
            "onItsWay": str(gaps[Verdict.UNDECIDED]),
            "unexplained": str(gaps[Verdict.DIFFERENT]),
        },
        "attached": {
            part: hashlib.sha256(verify_proof.canonical(rows)).hexdigest()
            for part, rows in attached.items()
        },
        "key": signing.newest_public_key(),
    }


# --- reading ----------------------------------------------------------------------------------
def get(marketplace_id: str, name: str) -> Proof:
    """A proof of this marketplace. Raises NotFound."""
    row: Proof | None = Proof.objects.filter(marketplace=marketplace_id, pk=name).first()
    if row is None:
        raise NotFound(f"There is no proof {name!r} in this marketplace")
    return row


def of_user(marketplace_id: str, user_id: str, name: str = "") -> dict[str, Any]:
    """A user's own proof in the newest, or in the one named: document, leaf and path, and nothing
    that says who the others are. Raises NotFound.

    Four statements, and a branch of the tree, however many users there are.
    """
    rows = ProofLeaf.objects.filter(user=user_id, proof__marketplace=marketplace_id)
    if name:
        rows = rows.filter(proof=name)
    mine = rows.select_related("proof").order_by("-proof").first()
    if mine is None:
        raise NotFound("There is no proof yet in which this user has a place")
    return {
        "document": mine.proof.document,
        "signature": mine.proof.signature,
        "leaf": _leaf(mine),
        "path": _path(mine),
    }


def for_auditor(proof: Proof) -> dict[str, Any]:
    """The document with its lists and every leaf, for somebody who builds the tree anew."""
    leaves = ProofLeaf.objects.filter(proof=proof).order_by("position")
    return {
        "document": proof.document,
        "signature": proof.signature,
        **proof.attached,
        "leaves": [_leaf(leaf) for leaf in leaves.iterator(chunk_size=2000)],
    }


def _leaf(row: ProofLeaf) -> dict[str, Any]:
    return {
        "userId": row.user_id,
        "nonce": row.nonce,
        "balance": str(row.balance),
        "position": row.position,
    }


def _path(mine: ProofLeaf) -> list[dict[str, str]]:
    """From a leaf to the root: through its own branch, then over all branches."""
    branch, place = divmod(mine.position, BRANCH)
    inside = ProofLeaf.objects.filter(
        proof=mine.proof_id, position__gte=branch * BRANCH, position__lt=(branch + 1) * BRANCH
    ).order_by("position")
    leaves = [Leaf(row.user_id, row.nonce, row.balance).node for row in inside]
    rows = ProofBranch.objects.filter(proof=mine.proof_id).order_by("position")
    branches = list(rows.values_list("hash", "total"))
    return _steps(leaves, place) + _steps(branches, branch)


def _steps(nodes: list[Node], place: int) -> list[dict[str, str]]:
    steps = []
    while len(nodes) > 1:
        other = place ^ 1
        if other < len(nodes):
            side = "left" if other < place else "right"
            steps.append({"side": side, "hash": nodes[other][0], "sum": str(nodes[other][1])})
        nodes, place = verify_proof.level_above(nodes), place // 2
    return steps


def due() -> list[str]:
    """Marketplaces whose last proof is older than proofs are made. One statement."""
    if not settings.PROOF_HOURS:
        return []
    fresh = Proof.objects.filter(pk__gt=_since()).values("marketplace")
    return list(Marketplace.objects.exclude(pk__in=fresh).values_list("pk", flat=True)[:20])


def is_due(marketplace_id: str) -> bool:
    """The same of one."""
    return not Proof.objects.filter(marketplace=marketplace_id, pk__gt=_since()).exists()


def _since() -> str:
    """The least id of a proof that is fresh; ids are made by the machine's own clock."""
    return id_from("prf", datetime.now(UTC) - timedelta(hours=settings.PROOF_HOURS))
