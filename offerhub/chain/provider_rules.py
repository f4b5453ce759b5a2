"""Which contract rule the escrow provider speaks of: known by its words, not by its numbers.

The status of such an answer differs between the provider's own documents, and the numbers changed
between its builds; the sentences stayed.
"""

RULES = {
    "already initialized": "already_initialized",
    "release signer": "only_release_signer",
    "must be completed": "not_approved",
    "balance must be": "balance_too_low",
    "platform address": "only_platform",
    "service provider": "only_service_provider",
    "milestone index": "invalid_milestone_index",
    "only the approver": "only_approver",
    "already been approved": "already_approved",
    "status cannot be empty": "empty_status",
    # Before the next one, whose words begin this sentence too.
    "cannot dispute": "resolver_may_not_dispute",
    "cannot be the one": "resolver_may_not_dispute",
    "dispute resolver can": "only_resolver",
    "already in dispute": "already_disputed",
    "not in dispute": "not_disputed",
    "opened for dispute": "in_dispute",
    "already resolved": "already_resolved",
    "have been released": "already_released",
    "already released": "already_released",
    "not authorized to change the dispute": "may_not_dispute",
    "must equal the current escrow balance": "distributions_differ_from_balance",
    "must not exceed": "distributions_too_large",
    "insufficient funds": "insufficient_funds",
    "cannot be equal to zero": "amount_zero",
    "cannot be zero": "amount_zero",
    "cannot exceed 99": "fee_too_high",
    "more than 50": "too_many",
    "do not match": "properties_differ",
    "escrow not found": "escrow_not_found",
}


def rule_of(message: str) -> str:
    """Our word for the rule in a message; empty when it speaks of none that is known."""
    text = message.lower()
    return next((code for words, code in RULES.items() if words in text), "")
