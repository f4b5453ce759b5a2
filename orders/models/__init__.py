"""Orders and their milestones, contracts and the calls to them, campaigns, reimbursements."""

from orders.campaigns.models import Campaign as Campaign
from orders.campaigns.models import Pledge as Pledge
from orders.models.escrows import Escrow as Escrow
from orders.models.escrows import EscrowOperation as EscrowOperation
from orders.models.orders import Milestone as Milestone
from orders.models.orders import Order as Order
from orders.models.orders import ReleaseWindow as ReleaseWindow
from orders.reimbursements.models import Reimbursement as Reimbursement
