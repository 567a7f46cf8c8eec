"""Palmonas: takes orders in from every sales channel, never loses one, and shows how it is doing."""

__version__ = "0.1.0"
