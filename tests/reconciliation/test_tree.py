"""A user finds themselves in the tree, and whatever is changed in it is noticed."""

import json
import subprocess
import sys
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from offerhub.reconciliation import proofs, verify_proof
from offerhub.reconciliation.funds import Leaf
from offerhub.reconciliation.verify_proof import Wrong, check, check_inclusion, check_leaves

FILE = Path(verify_proof.__file__)


def leaves(count: int) -> list[Leaf]:
    made = [Leaf(f"usr_{n}", f"{n:032x}", n * 10**7 + 1) for n in range(count)]
    return sorted(made, key=lambda leaf: leaf.node)


def document(rows: list[Leaf]) -> dict[str, Any]:
    hash_, total = verify_proof.root([leaf.node for leaf in rows])
    return {"tree": {"root": hash_, "sum": str(total), "leaves": len(rows)}}


def inclusion(rows: list[Leaf], place: int) -> dict[str, Any]:
    nodes = [leaf.node for leaf in rows]
    mine = rows[place]
    return {
        "document": document(rows),
        "leaf": {"userId": mine.user_id, "nonce": mine.nonce, "balance": str(mine.balance),
                 "position": place},
        "path": proofs._steps(nodes, place),
    }  # fmt: skip


def all_leaves(rows: list[Leaf]) -> dict[str, Any]:
    told = [{"userId": r.user_id, "nonce": r.nonce, "balance": str(r.balance)} for r in rows]
    return {"document": document(rows), "leaves": told}


def test_the_worked_example_of_the_readme_is_what_the_code_makes() -> None:
    text = (FILE.parent / "README.md").read_text()
    anna = verify_proof.leaf("00" * 16, "usr_anna", 5)
    ben = verify_proof.leaf("11" * 16, "usr_ben", 7)
    top = verify_proof.root(sorted([(anna, 5), (ben, 7)]))
    by_hand = sha256(bytes(1) + bytes(16) + b"\x00\x08usr_anna" + (5).to_bytes(8, "big"))
    assert anna == by_hand.hexdigest()
    assert top[1] == 12
    for hash_ in (anna, ben, top[0]):
        assert hash_ in text


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 31, 33])
def test_everybody_finds_themselves_whatever_the_size(count: int) -> None:
    rows = leaves(count)
    for place in range(count):
        assert "is owed" in check_inclusion(inclusion(rows, place))


def test_a_branch_and_the_branches_above_make_the_same_path_as_the_whole_tree() -> None:
    rows = leaves(2 * proofs.BRANCH + 3)
    nodes = [leaf.node for leaf in rows]
    branches = proofs.branches_of(rows)
    assert len(branches) == 3
    assert verify_proof.root(branches) == verify_proof.root(nodes)
    for place in (0, 1, proofs.BRANCH - 1, proofs.BRANCH, 2 * proofs.BRANCH, len(rows) - 1):
        branch, inside = divmod(place, proofs.BRANCH)
        own = nodes[branch * proofs.BRANCH : (branch + 1) * proofs.BRANCH]
        assert proofs._steps(own, inside) + proofs._steps(branches, branch) == proofs._steps(
            nodes, place
        )


def _changed(proof: dict[str, Any], where: list[Any], value: Any) -> dict[str, Any]:
    copy = deepcopy(proof)
    at = copy
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (["leaf", "balance"], "20000002"),
        (["leaf", "userId"], "usr_9"),
        (["leaf", "nonce"], "ff" * 16),
        (["leaf", "position"], 0),
        (["leaf", "position"], 99),
        (["path", 0, "sum"], "-1"),
        (["path", 0, "sum"], str(2**63)),
        (["path", 1, "sum"], "1"),
        (["path", 0, "hash"], "ab" * 32),
        (["path", 0, "side"], "both"),
        (["path"], []),
        (["document", "tree", "sum"], "1"),
        (["document", "tree", "leaves"], 3),
        (["document", "tree", "root"], "00" * 32),
        (["leaf", "balance"], 1.5),
    ],
)
def test_whatever_is_changed_on_the_way_to_the_root_is_noticed(
    where: list[Any], value: Any
) -> None:
    proof = inclusion(leaves(5), 2)
    check_inclusion(proof)
    with pytest.raises(Wrong):
        check_inclusion(_changed(proof, where, value))


def test_a_negative_sum_cannot_hide_what_is_owed() -> None:
    with pytest.raises(Wrong, match="-3 stroops does not exist"):
        verify_proof.node("00" * 32, 5, "11" * 32, -3)
    with pytest.raises(Wrong):
        verify_proof.node("00" * 32, 2**63 - 1, "11" * 32, 1)
    with pytest.raises(Wrong):
        verify_proof.leaf("00" * 16, "usr_a", -1)


def test_an_auditor_notices_leaves_that_are_left_out_doubled_or_changed() -> None:
    rows = leaves(6)
    proof = all_leaves(rows)
    assert check_leaves(proof) == "all 6 leaves make the root"
    told = proof["leaves"]
    more = {"userId": "usr_x", "nonce": "22" * 16, "balance": "0"}
    wrong: dict[str, list[Any]] = {
        "there are 5 leaves": told[1:],
        "there are 7 leaves": [*told, more],
        "two leaves": [*told[:5], told[0]],
        "not in the order": told[::-1],
    }
    for why, changed in wrong.items():
        with pytest.raises(Wrong, match=why):
            check_leaves(proof | {"leaves": changed})
    for balance in ("0", "-1"):
        with pytest.raises(Wrong):
            check_leaves(proof | {"leaves": [told[0] | {"balance": balance}, *told[1:]]})


@pytest.mark.parametrize("proof", [{}, {"document": {}}, {"document": 3}, {"document": None}])
def test_what_is_no_proof_is_refused_in_words(proof: Any) -> None:
    with pytest.raises(Wrong, match="not of the known form"):
        check(proof)


def test_the_file_works_alone_without_anything_of_ours(tmp_path: Path) -> None:
    alone = tmp_path / "verify_proof.py"
    alone.write_bytes(FILE.read_bytes())
    (tmp_path / "bad.json").write_text("no")
    (tmp_path / "wrong.json").write_text(json.dumps({"document": {}}))
    for name, status in (("bad.json", 2), ("wrong.json", 1), ("absent.json", 2)):
        done = subprocess.run(
            [sys.executable, "-I", str(alone), str(tmp_path / name)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
