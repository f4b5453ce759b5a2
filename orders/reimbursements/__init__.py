"""What the marketplace pays back of the fees that a contract took of a refund."""
