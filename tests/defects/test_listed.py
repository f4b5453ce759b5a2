"""The table of known defects in tests/README.md names tests that exist."""

import ast
import re

from tests.network import ROOT

NOT_YET = {"U24"}  # load: `make bench` measures it


def _listed() -> list[tuple[str, str]]:
    """Line and test of each row."""
    text = (ROOT / "tests/README.md").read_text()
    return re.findall(r"^\| (U\d+) \|.*\| `(tests/\S+::\w+)` \|$", text, re.MULTILINE)


def test_every_test_named_in_the_table_exists() -> None:
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


def test_every_line_of_the_table_is_there() -> None:
    lines = {line for line, _ in _listed()}
    assert lines == {f"U{number}" for number in range(1, 27)} - NOT_YET
