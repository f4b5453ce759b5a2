"""The report types themselves: importing this puts them all into the registry."""

from offerhub.reports.types import books, chain, journal, money, sales

__all__ = ["books", "chain", "journal", "money", "sales"]
