"""Node.js for tests: a folder with locked packages, made once for each state of its sources."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / "var" / "js-clients"


def need(program: str) -> str:
    """The program's path. Its absence fails the test: a skipped check looks like a good one."""
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is missing: the JavaScript clients need Node.js 20 or newer")
    return found


def installed(source: Path, names: Sequence[str], *scripts: str) -> Path:
    """A copy of these files and folders with the packages of their lock file, after `npm run` of
    each script."""
    npm, folder = need("npm"), CACHE / _digest(source, names)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            for name in names:
                _copy(source / name, folder / name)
            _run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
            for script in scripts:
                _run([npm, "run", script], folder)
            (folder / ".done").touch()
    return folder


def _digest(source: Path, names: Sequence[str]) -> str:
    files = sorted(f for name in names for f in [source / name, *(source / name).rglob("*")])
    parts = [str(f.relative_to(source)).encode() + f.read_bytes() for f in files if f.is_file()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def _run(command: list[str], folder: Path) -> None:
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
