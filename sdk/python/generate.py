"""Write what is made: the types from the OpenAPI document, and the blocking client from the
asynchronous one. `python generate.py`; with `--check` it fails when something is out of date.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src" / "offerhub_sdk"
WORDS = (
    (r"\basync def\b", "def"),
    (r"\basync (with|for)\b", r"\1"),
    (r"\bawait\s+", ""),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bimport asyncio\b", "import time"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\bhttpx\.AsyncClient\b", "httpx.Client"),
    (r"\boffer(hub_sdk)\._async\b", r"offer\1._sync"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsync(\w+)", r"\1"),
    (r"The asynchronous client", "The blocking client"),
    (r"`… \.page\(\)`", "`.page()`"),
)


def models() -> str:
    """The types, with what a JSON document can not say of amounts and durations."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "models.py"
        command = [
            *(sys.executable, "-W", "ignore", "-m", "datamodel_code_generator"),
            *("--input", str(HERE.parent / "openapi.json"), "--input-file-type", "openapi"),
            *("--output", str(target), "--output-model-type", "typing.TypedDict"),
            *("--target-python-version", "3.11", "--use-standard-collections"),
            *("--use-union-operator", "--enum-field-as-literal", "all"),
            *("--use-schema-description", "--disable-timestamp", "--formatters", "builtin"),
            *("--no-use-closed-typed-dict", "--type-mappings", "duration=string"),
        ]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (our own words)
        text = target.read_text()
    text = re.sub(r"\bstr \| float\b", "Amount", text)
    text = re.sub(r"\btimedelta\b", "str", text).replace("from datetime import str\n", "")
    text = text.replace("from typing_extensions import TypedDict\n", "").replace(", TypedDict", "")
    head, rest = text.split("\n\n\n", 1)
    head = re.sub(r"from typing import (.*)", r"from typing import \1, TypedDict", head)
    head = head.replace("from typing import", "from decimal import Decimal\nfrom typing import")
    accepted = "# Accepted; answers are decimal text.\nAmount = str | int | Decimal"
    # Each type of event narrows what an event is, which checkers refuse in typed dictionaries.
    return f"# mypy: ignore-errors\n{head}\n\n{accepted}\n\n\n{rest}"


def blocking(text: str) -> str:
    """The blocking form of a file of the asynchronous client."""
    for word, other in WORDS:
        text = re.sub(word, other, text)
    return text


def files() -> dict[Path, str]:
    """All that is made."""
    made = {SOURCE / "models.py": models()}
    for source in sorted((SOURCE / "_async").glob("*.py")):
        made[SOURCE / "_sync" / source.name] = blocking(source.read_text())
    return made


def main() -> int:
    stale = []
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    for path in stale:
        print(f"{'stale' if '--check' in sys.argv else 'written'}: {path.name}")  # noqa: T201
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
