"""`.env.example` lists exactly what the settings read."""

import itertools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Read before the settings are, for it says where everything else is; and by prometheus-client.
READ_ELSEWHERE = {"OFFERHUB_VAR", "PROMETHEUS_MULTIPROC_DIR"}


def test_every_variable_that_the_settings_read_is_in_the_example_and_the_reverse() -> None:
    settings = (ROOT / "offerhub" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', settings)) | READ_ELSEWHERE
    example = (ROOT / ".env.example").read_text()
    listed = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(listed) == sorted(read)


def test_every_variable_of_the_example_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert before.startswith("#"), f"{line} has no explanation"
