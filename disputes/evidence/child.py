"""The process that decodes: bytes in on standard input, the clean file out on standard output.

Run as a program by `reading.read`, with an empty environment. It takes limits on itself before a
decoder is loaded: processor time, memory, no file that it could write, no further process. The
answer is one line of JSON and the bytes it counts; nothing in it can run in the reader.
"""

import json
import resource
import sys

CPU_SECONDS = 20
MEMORY = 2 * 1024**3


def limit() -> None:
    """Whatever a hostile file finds in a decoder, it finds little around it."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),  # no process and no thread; Linux does not hold root to it
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Answer `{"kind", "sizes"}` and the bytes, or `{"refused", "text"}`."""
    limit()
    from disputes.evidence.clean import clean
    from disputes.evidence.refusals import EvidenceRefused, FileTooComplex

    parts: list[bytes] = []
    answer: dict[str, object]
    try:
        file = clean(sys.stdin.buffer.read())
    except EvidenceRefused as refusal:
        answer = {"refused": refusal.code, "text": refusal.errors[0].message}
    except MemoryError:
        answer = {"refused": FileTooComplex.code, "text": ""}
    else:
        parts = [file.content, *file.previews]
        answer = {"kind": file.kind.value, "sizes": [len(part) for part in parts]}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    for part in parts:
        sys.stdout.buffer.write(part)


if __name__ == "__main__":
    main()
