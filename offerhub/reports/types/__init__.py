"""The report types themselves: importing this puts them all into the registry."""

from offerhub.reports.types import books, journal, money, sales

__all__ = ["books", "journal", "money", "sales"]
