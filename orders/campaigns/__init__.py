"""Campaigns: many backers, one goal and one deadline; each pledge is an order."""
