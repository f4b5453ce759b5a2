"""The ways in which a proposal or an approval is refused. Nothing has happened then."""

from offerhub.core.errors import Conflict, Forbidden


class ApproverIsProposer(Forbidden):
    code, title = "approver_is_proposer", "Nobody approves what they proposed themselves"


class NotStaff(Forbidden):
    code, title = "not_staff", "Only active staff decide on a proposal"


class NotTheProposer(Forbidden):
    code, title = "not_the_proposer", "Only whoever proposed it can take it back"


class ProposalChanged(Conflict):
    """`changed` says what moved: `digest` (the proposal) or `subject_version` (its subject)."""

    code, title = "proposal_changed", "This is not what was proposed any more"


class ProposalExpired(Conflict):
    code, title = "proposal_expired", "The time to decide on this proposal is over"


class ProposalClosed(Conflict):
    """`currentStatus` says how it ended."""

    code, title = "proposal_closed", "This proposal is decided already"


class ProposerGone(Conflict):
    """Nobody answers for it any more; somebody else may propose the same."""

    code, title = "proposer_gone", "Whoever proposed this may not act here any more"


class AlreadyProposed(Conflict):
    """`proposalId` names the one that waits."""

    code, title = "already_proposed", "Something is proposed here already and waits for a decision"
