"""The kept document is the one that is served: a change of the API shows in a review, and asks for
a line in the list of changes."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

from offerhub.api import schema
from tests.node import installed, need
from tests.sdk.test_typescript import FILES, HERE

SDK = Path(__file__).parents[2] / "sdk"
AGAIN = "the API's document changed: run `make schema`, and say in sdk/CHANGES.md what changed"


def test_the_kept_document_is_the_one_that_is_served() -> None:
    kept = json.loads((SDK / "openapi.json").read_text())
    assert json.loads(json.dumps(schema.build())) == kept, AGAIN


def test_each_change_of_the_document_is_told() -> None:
    """The newest line of the list of changes is about the document as it is now."""
    digest = hashlib.sha256((SDK / "openapi.json").read_bytes()).hexdigest()[:12]
    told = re.findall(r"^- `([0-9a-f]{12})` \S", (SDK / "CHANGES.md").read_text(), re.MULTILINE)
    assert told[0] == digest, f"sdk/CHANGES.md needs a line that begins with - `{digest}`"
    assert len(set(told)) == len(told)


def test_the_typescript_types_are_those_of_the_document(tmp_path: Path) -> None:
    folder = installed(HERE, FILES, "build")
    made = tmp_path / "schema.ts"
    command = [need("npx"), "openapi-typescript", str(SDK / "openapi.json"), "--output", str(made)]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert made.read_text() == (HERE / "src" / "schema.ts").read_text(), AGAIN
