"""The journal's seals: proving them in parts, finding what a broken one hides, and daily heads.

A seal is one digest over up to a thousand entries and over the seal before it. It proves that
something was changed; the index, made when the seal is young, tells what.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from ledger.models import Seal
from offerhub.reconciliation.models import SealIndex

PART = 20  # seals of one statement: about 20,000 entries, well under a second
Progress = Callable[[int, int], None]
Row = dict[str, Any]

_PART = """
SELECT s.id, s.marketplace_id, s.first_number, s.last_number, s.entries, s.previous, s.digest,
       d.digest, d.entries, EXISTS (
           SELECT FROM ledger_entry e
           WHERE e.marketplace_id = s.marketplace_id AND e.number < s.first_number
             AND e.number > coalesce((
                 SELECT max(b.last_number) FROM ledger_seal b
                 WHERE b.marketplace_id = s.marketplace_id AND b.first_number < s.first_number
             ), 0))
FROM (
    SELECT * FROM ledger_seal s
    WHERE %(marketplace)s IN ('', s.marketplace_id)
      AND (s.marketplace_id, s.first_number) > (%(market)s, %(number)s)
    ORDER BY s.marketplace_id, s.first_number LIMIT %(part)s
) AS s
CROSS JOIN LATERAL ledger_digest(
    s.previous, s.marketplace_id, s.first_number, s.last_number) AS d
ORDER BY s.marketplace_id, s.first_number
"""


@dataclass(frozen=True)
class Head:
    """The last seal of a marketplace on a day (UTC): what a third party can hold against us."""

    day: date
    marketplace_id: str
    number: int  # of the last entry that it covers
    digest: str

    def __str__(self) -> str:
        return f"{self.day} {self.marketplace_id} {self.number} {self.digest}"


@dataclass
class _Link:
    """How far one marketplace's chain was followed."""

    marketplace_id: str = ""
    digest: bytes = b""


def broken(marketplace_id: str = "", tell: Progress = lambda done, total: None) -> Iterator[Row]:
    """What is wrong with the seals, in their order: each changed, missing or added entry that the
    index knows, else the seal. Constant memory; `tell(entries done, of all)` between the parts."""
    total, done = _sealed(marketplace_id), 0
    link = _Link()
    place: dict[str, Any] = {"marketplace": marketplace_id, "market": "", "number": 0, "part": PART}
    while rows := _read(_PART, place):
        for row in rows:
            yield from _judge(row, link)
            done += row[4]
        place |= {"market": rows[-1][1], "number": rows[-1][2]}
        tell(done, total)


def _judge(row: tuple[Any, ...], link: _Link) -> Iterator[Row]:
    seal, market, first, last, entries, previous, digest, found, count, skipped = row
    before = link.digest if link.marketplace_id == market else b""
    named = {"marketplace_id": market, "first_number": first, "last_number": last}
    if bytes(previous) != before:
        yield named | {"why": "the seal does not continue the one before it"}
    if skipped:
        yield named | {"why": "there are entries before it that no seal covers"}
    if bytes(found) != bytes(digest) or count != entries:
        changed = list(_differences(seal, market, first, last))
        yield from (named | each for each in changed)
        if not changed:
            yield named | {"why": "the digest is not that of its entries"}
    link.marketplace_id, link.digest = market, bytes(digest)


def _differences(seal: int, market: str, first: int, last: int) -> Iterator[Row]:
    """Entry by entry, what the index remembers otherwise."""
    index = SealIndex.objects.filter(pk=seal).first()
    if index is None:
        return
    kept = dict(zip(index.numbers, index.leaves, strict=True))
    ids = dict(zip(index.numbers, index.entry_ids, strict=True))
    for number, entry_id, leaf in _leaves(market, first, last):
        was = kept.pop(number, None)
        if was is None:
            yield {"entry_id": entry_id, "number": number, "why": "the entry was not there"}
        elif was != leaf:
            yield {"entry_id": entry_id, "number": number, "why": "the entry was changed"}
    for number in kept:
        yield {"entry_id": ids[number], "number": number, "why": "the entry is missing"}


def index_seals(most: int = 50) -> int:
    """Give young seals their index; how many there were. Some milliseconds each."""
    rows = list(Seal.objects.filter(sealindex=None).order_by("pk")[:most])
    for seal in rows:
        leaves = _leaves(seal.marketplace_id, seal.first_number, seal.last_number)
        SealIndex.objects.bulk_create(
            [
                SealIndex(
                    seal=seal,
                    numbers=[number for number, _, _ in leaves],
                    entry_ids=[entry_id for _, entry_id, _ in leaves],
                    leaves=[leaf for _, _, leaf in leaves],
                )
            ],
            ignore_conflicts=True,
        )
    return len(rows)


def _leaves(market: str, first: int, last: int) -> list[tuple[int, str, int]]:
    return _read(
        "SELECT number, entry_id, leaf FROM reconciliation_leaves(%s, %s, %s)",
        [market, first, last],
    )


def unsealed(marketplace_id: str = "") -> int:
    """Entries that are too young for a seal: only the other facts speak for them."""
    return int(
        _read(
            """
            SELECT count(*) FROM ledger_entry e
            WHERE e.number > coalesce((SELECT max(s.last_number) FROM ledger_seal s), 0)
              AND %s IN ('', e.marketplace_id)""",
            [marketplace_id],
        )[0][0]
    )


def _sealed(marketplace_id: str) -> int:
    query = "SELECT coalesce(sum(entries), 0) FROM ledger_seal s WHERE %s IN ('', s.marketplace_id)"
    return int(_read(query, [marketplace_id])[0][0])


# --- heads ------------------------------------------------------------------------------------
def heads(marketplace_id: str = "") -> Iterator[Head]:
    """The last seal of each marketplace and day, oldest first."""
    for day, market, number, digest in _read(
        """
        SELECT DISTINCT ON (day, s.marketplace_id)
               (s.sealed_at AT TIME ZONE 'UTC')::date AS day, s.marketplace_id, s.last_number,
               encode(s.digest, 'hex')
        FROM ledger_seal s WHERE %s IN ('', s.marketplace_id)
        ORDER BY day, s.marketplace_id, s.first_number DESC""",
        [marketplace_id],
    ):
        yield Head(day, market, number, digest)


def read_heads(text: str) -> list[Head]:
    """Heads of lines as they are written; raises ValueError for any other."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split()
        if len(parts) != 4 or not parts[2].isdecimal() or len(parts[3]) != 64:
            raise ValueError(f"not a daily head: {line!r}")
        found.append(Head(date.fromisoformat(parts[0]), parts[1], int(parts[2]), parts[3]))
    return found


def lost_heads(known: list[Head], marketplace_id: str = "") -> Iterator[Row]:
    """Heads that were held elsewhere and that the journal does not have: only they can tell that
    its end was cut off, or that all of it was written anew."""
    for head in known:
        if marketplace_id not in ("", head.marketplace_id):
            continue
        rows = Seal.objects.filter(
            marketplace_id=head.marketplace_id, last_number=head.number
        ).values_list("digest", flat=True)
        kept = {bytes(digest).hex() for digest in rows}
        if head.digest not in kept:
            yield {
                "marketplace_id": head.marketplace_id,
                "last_number": head.number,
                "day": head.day,
                "why": "the seal has another digest" if kept else "the seal is missing",
            }


def _read(query: str, values: "list[Any] | Mapping[str, Any]") -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
