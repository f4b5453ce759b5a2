"""How a page of the desk acts; the words are the audit's."""

from offerhub.audit.acting import Acting as Acting
from offerhub.audit.acting import actor_of as actor_of
from offerhub.audit.acting import staff_action as staff_action
