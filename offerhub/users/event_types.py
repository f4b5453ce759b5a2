"""The events of users."""

from offerhub.events.catalog import declare
from offerhub.events.fields import ADDRESS, listed, text

declare("user.created", "A buyer or seller exists", "usr", address=ADDRESS)
declare(
    "user.updated",
    "Something of a user changed; `changed` names it",
    "usr",
    changed=listed(text("name")),
)
