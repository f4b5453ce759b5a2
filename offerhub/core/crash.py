"""Named points at which a test may kill the process, to prove that a restart finishes the work.

Nothing happens unless OFFERHUB_CRASH_AT names the point: the crash matrix sets it in a child.
"""

import os

_point = os.environ.get("OFFERHUB_CRASH_AT", "")


def crash_point(name: str) -> None:
    """Die here, at once and without cleaning up, if the environment asks for it."""
    if _point == name:
        os._exit(137)
