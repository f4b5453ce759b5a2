"""The tables of known defects and failures in tests/README.md name tests that exist."""

import ast
import re

from tests.network import ROOT

# Each line of the catalogue, by its letter: how many there are.
LINES = {"U": 26, "B-S": 18, "B-D": 16, "B-L": 8, "B-P": 12, "B-I": 4, "B-W": 5, "B-E": 1}
NOT_TESTS = {"U24"}  # load: `make bench` measures it


def _listed() -> list[tuple[str, str]]:
    """Line and test of each row."""
    text = (ROOT / "tests/README.md").read_text()
    return re.findall(r"^\| ((?:U|B-[A-Z])\d+) \|.*\| `(tests/\S+::\w+)` \|$", text, re.MULTILINE)


def test_every_test_named_in_the_tables_exists() -> None:
    missing = []
    for line, test in _listed():
        path, name = test.split("::")
        tree = (
            ast.parse((ROOT / path).read_text()) if (ROOT / path).exists() else ast.Module([], [])
        )
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if name not in names:
            missing.append((line, test))
    assert missing == []


def test_every_line_of_the_tables_is_there() -> None:
    lines = {line for line, _ in _listed()}
    every = {f"{kind}{number + 1}" for kind, count in LINES.items() for number in range(count)}
    assert lines == every - NOT_TESTS
