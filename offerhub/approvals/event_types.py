"""The events of proposals, which a second person must agree to. Who they are stays inside."""

from offerhub.events.catalog import declare
from offerhub.events.fields import AMOUNT, text

KIND = text("withdrawal")
ABOUT = text("wdr_01k9v3c0m8f4v9x2n6q7r5t1ab")

declare(
    "proposal.opened",
    "Somebody proposed something about `subject`; with an empty `why` nobody else must agree",
    "prp",
    kind=KIND,
    subject=ABOUT,
    amount=AMOUNT,
    why=text("over the limit"),
)
for _name, _summary in {
    "approved": "A second person agreed",
    "rejected": "A second person did not agree",
    "withdrawn": "It was taken back",
    "expired": "Nobody agreed in time",
}.items():
    declare(f"proposal.{_name}", _summary, "prp", kind=KIND, subject=ABOUT)
