#!/usr/bin/env python3
"""Check a proof of funds: that you are in it, and that its parts add up to what it claims.

    python3 verify_proof.py proof.json [--key PUBLIC_KEY]

This one file needs Python 3.9 or newer and nothing else; with the package `cryptography` it checks
the signature too. Exit status 0: it holds. 1: it does not. 2: it could not be read.

The file is either your own proof (`GET /users/{id}/proof`), which shows your leaf and the path from
it to the root, or an auditor's, which holds every leaf. All sums are whole stroops (10⁻⁷).

    leaf = SHA-256(0x00 ‖ nonce ‖ length of user id ‖ user id ‖ balance)     sum = balance
    node = SHA-256(0x01 ‖ left hash ‖ left sum ‖ right hash ‖ right sum)     sum = left + right

The nonce is 16 bytes, the length 2 and each balance or sum 8 bytes, the highest byte first. Leaves
stand in the order of their hashes. Two neighbours make a node; one that is left over at the end of
a level goes up as it is. A sum below zero, or of more than 2⁶³ − 1, does not exist.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

Node = tuple[str, int]  # hash and sum
MOST = 2**63 - 1


class Wrong(Exception):
    """The proof does not hold; the text says why."""


def leaf(nonce: str, user: str, balance: int) -> str:
    """A user's leaf, in hexadecimal."""
    name, salt = user.encode(), bytes.fromhex(nonce)
    if len(salt) != 16 or not 0 < len(name) < 2**16:
        raise Wrong("a nonce has 16 bytes, and a user an id")
    content = b"\x00" + salt + len(name).to_bytes(2, "big") + name + _eight(balance)
    return hashlib.sha256(content).hexdigest()


def node(left: str, left_sum: int, right: str, right_sum: int) -> Node:
    """Hash and sum of the node above two."""
    content = b"\x01" + _hash(left) + _eight(left_sum) + _hash(right) + _eight(right_sum)
    _eight(left_sum + right_sum)
    return hashlib.sha256(content).hexdigest(), left_sum + right_sum


def level_above(nodes: list[Node]) -> list[Node]:
    """The nodes above these, each a hash and a sum."""
    pairs = [node(*nodes[place], *nodes[place + 1]) for place in range(0, len(nodes) - 1, 2)]
    return pairs + ([nodes[-1]] if len(nodes) % 2 else [])


def root(nodes: list[Node]) -> Node:
    """Hash and sum of the whole tree; of none, zeros."""
    while len(nodes) > 1:
        nodes = level_above(nodes)
    return nodes[0] if nodes else ("0" * 64, 0)


def siblings(position: int, count: int) -> list[str]:
    """On which side the other node stands at each step from a leaf to the root."""
    sides = []
    while count > 1:
        alone = position == count - 1 and count % 2 == 1
        if not alone:
            sides.append("left" if position % 2 else "right")
        position, count = position // 2, (count + 1) // 2
    return sides


def check_inclusion(proof: dict[str, Any]) -> str:
    """Follow one leaf to the root. Raises Wrong."""
    tree, mine = proof["document"]["tree"], proof["leaf"]
    count, position = int(tree["leaves"]), int(mine["position"])
    if not 0 <= position < count:
        raise Wrong("the leaf stands outside of the tree")
    sides = [step["side"] for step in proof["path"]]
    if sides != siblings(position, count):
        raise Wrong("the path is not the one of this place in the tree")
    here = (leaf(mine["nonce"], mine["userId"], _whole(mine["balance"])), _whole(mine["balance"]))
    for step in proof["path"]:
        other = (step["hash"], _whole(step["sum"]))
        here = node(*other, *here) if step["side"] == "left" else node(*here, *other)
    _same(here, tree)
    return f"{mine['userId']} is owed {_decimal(mine['balance'])} and is part of the sum"


def check_leaves(proof: dict[str, Any]) -> str:
    """Build the whole tree anew. Raises Wrong."""
    tree, seen = proof["document"]["tree"], set()
    nodes = []
    for each in proof["leaves"]:
        if each["userId"] in seen:
            raise Wrong(f"{each['userId']} has two leaves")
        seen.add(each["userId"])
        balance = _whole(each["balance"])
        nodes.append((leaf(each["nonce"], each["userId"], balance), balance))
    if len(nodes) != int(tree["leaves"]):
        raise Wrong(f"there are {len(nodes)} leaves, the document says {tree['leaves']}")
    if nodes != sorted(nodes):
        raise Wrong("the leaves are not in the order of their hashes")
    _same(root(nodes), tree)
    return f"all {len(nodes)} leaves make the root"


def check_totals(proof: dict[str, Any]) -> str:
    """What the document says of itself adds up, and so do its attachments. Raises Wrong."""
    document = proof["document"]
    owed, held = document["owed"], document["held"]
    for name, side in (("owed", owed), ("held", held)):
        if sum(_whole(amount) for amount in side["parts"].values()) != _whole(side["total"]):
            raise Wrong(f"what is {name} is not the sum of its parts")
    if _whole(owed["parts"]["users"]) != _whole(document["tree"]["sum"]):
        raise Wrong("what is owed to users is not the sum of the tree")
    for name, total in (("addresses", held["total"]), ("orders", owed["ofUsers"]["inOrders"])):
        if name in proof:
            check_attachment(document, name, proof[name], _whole(total))
    word = "covers" if _whole(held["total"]) >= _whole(owed["total"]) else "DOES NOT COVER"
    return (
        f"held {_decimal(held['total'])} {word} owed {_decimal(owed['total'])} "
        f"{document['asset']['code']} at ledger {document['ledger']['to']}"
    )


def check_attachment(document: dict[str, Any], name: str, rows: list[Any], total: int) -> None:
    """A list that the document names by its digest. Raises Wrong."""
    if hashlib.sha256(canonical(rows)).hexdigest() != document["attached"][name]:
        raise Wrong(f"the list of {name} is not the one of this document")
    if sum(_whole(row["amount"]) for row in rows) != total:
        raise Wrong(f"the {name} do not add up to what the document says")


def check_signature(proof: dict[str, Any], key: str) -> str:
    """The document is signed by the key. Raises Wrong."""
    named = proof["document"]["key"]
    if key and key != named:
        raise Wrong(f"it is signed with the key {named}, not {key}")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return "the signature was not checked: the package `cryptography` is not installed"
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(named))
    try:
        public.verify(base64.b64decode(proof["signature"]), canonical(proof["document"]))
    except (InvalidSignature, ValueError):
        raise Wrong("the signature is not of this document") from None
    known = "the key that you named" if key else f"the key {named}: compare it with a published one"
    return f"signed with {known}"


def canonical(document: object) -> bytes:
    """The bytes that are signed: JSON with its keys in order, without spaces, in UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def check(proof: dict[str, Any], key: str = "") -> list[str]:
    """Everything that can be checked of a proof, as sentences. Raises Wrong."""
    try:
        told = [check_signature(proof, key), check_totals(proof)]
        if "leaf" in proof:
            told.append(check_inclusion(proof))
        if "leaves" in proof:
            told.append(check_leaves(proof))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Wrong(f"it is not of the known form: {type(error).__name__} {error}") from None
    return told


def _same(found: Node, tree: dict[str, Any]) -> None:
    if found != (tree["root"], _whole(tree["sum"])):
        raise Wrong("the way up does not end at the root: a hash or a sum was changed")


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Wrong(f"{value!r} is no whole number of stroops")
    return int(value)


def _eight(amount: int) -> bytes:
    if not 0 <= amount <= MOST:
        raise Wrong(f"a sum of {amount} stroops does not exist")
    return amount.to_bytes(8, "big")


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise Wrong("a hash has 32 bytes")
    return value


def _decimal(stroops: object) -> str:
    whole, rest = divmod(int(str(stroops)), 10**7)
    return f"{whole}.{rest:07d}"


def main(arguments: list[str]) -> int:
    """Check the file that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file")
    parser.add_argument("--key", default="", help="the public key that you expect")
    options = parser.parse_args(arguments)
    try:
        proof = json.loads(Path(options.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"It can not be read: {error}\n")
        return 2
    try:
        sys.stdout.write("".join(f"ok: {sentence}\n" for sentence in check(proof, options.key)))
    except Wrong as wrong:
        sys.stdout.write(f"WRONG: {wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
