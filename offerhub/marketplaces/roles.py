"""The roles of staff and their rights: the one table behind the migrations, pages and tests.

A role is a Django group of its name, a right a Django permission of its name on `StaffUser`.
"""

from enum import StrEnum

from offerhub.core.rights import asks as asks
from offerhub.core.rights import holds as holds
from offerhub.core.rights import may as may


class Role(StrEnum):
    """What a person at the desk is there for."""

    SUPPORT = "support"
    SENIOR_SUPPORT = "senior_support"
    FINANCE = "finance"
    READ_ONLY = "read_only"
    OPERATIONS = "operations"


class Right(StrEnum):
    """What a page or an action asks for; the values are the permissions' codenames."""

    VIEW = "view_desk"  # cases, orders, the ledger: everything but keys and people
    WORK_CASES = "work_cases"  # note, assign, ask for information
    PROPOSE_RESOLUTION = "propose_resolution"
    APPROVE_RESOLUTION = "approve_resolution"
    PROPOSE_ADJUSTMENT = "propose_adjustment"
    APPROVE_ADJUSTMENT = "approve_adjustment"
    APPROVE_WITHDRAWAL = "approve_withdrawal"
    ASSIGN_DEPOSIT = "assign_deposit"  # deposits in suspense
    EXPORT = "export_reports"  # export, schedule, resolve a difference
    OPERATE = "operate"  # API keys, settings, retry an operation
    MANAGE_STAFF = "manage_staff"  # of no role: whoever has it could take any other right


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.SUPPORT: frozenset({Right.VIEW, Right.WORK_CASES, Right.PROPOSE_RESOLUTION}),
    Role.SENIOR_SUPPORT: frozenset(
        {
            Right.VIEW,
            Right.WORK_CASES,
            Right.PROPOSE_RESOLUTION,
            Right.APPROVE_RESOLUTION,
            Right.PROPOSE_ADJUSTMENT,
            Right.APPROVE_WITHDRAWAL,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Right.VIEW,
            Right.APPROVE_RESOLUTION,
            Right.APPROVE_ADJUSTMENT,
            Right.APPROVE_WITHDRAWAL,
            Right.ASSIGN_DEPOSIT,
            Right.EXPORT,
        }
    ),
    Role.READ_ONLY: frozenset({Right.VIEW}),
    Role.OPERATIONS: frozenset({Right.VIEW, Right.WORK_CASES, Right.ASSIGN_DEPOSIT, Right.OPERATE}),
}

# What the permissions are called where people read them.
NAMES: dict[Right, str] = {
    Right.VIEW: "May look at cases, orders and the ledger",
    Right.WORK_CASES: "May note, assign and ask for information",
    Right.PROPOSE_RESOLUTION: "May propose a resolution",
    Right.APPROVE_RESOLUTION: "May approve somebody else's resolution",
    Right.PROPOSE_ADJUSTMENT: "May propose an adjustment of the books",
    Right.APPROVE_ADJUSTMENT: "May approve somebody else's adjustment",
    Right.APPROVE_WITHDRAWAL: "May approve a withdrawal over the limit",
    Right.ASSIGN_DEPOSIT: "May assign or return a deposit in suspense",
    Right.EXPORT: "May export, schedule reports and resolve differences",
    Right.OPERATE: "May keep API keys and settings and retry operations",
    Right.MANAGE_STAFF: "May make people and change their roles",
}

PERMISSIONS = tuple((right.value, NAMES[right]) for right in Right)
