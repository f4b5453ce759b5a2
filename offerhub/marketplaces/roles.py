"""The roles of staff: each is a group of that name, whose permissions come with the migrations."""

from enum import StrEnum


class Role(StrEnum):
    """`back-office.md` has the table of who may do what."""

    SUPPORT = "support"
    SENIOR_SUPPORT = "senior_support"
    FINANCE = "finance"
    READ_ONLY = "read_only"
    OPERATIONS = "operations"
