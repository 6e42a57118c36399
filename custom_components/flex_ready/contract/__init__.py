"""Flexibility contracts in Home Assistant: what their sites draw, what is ordered, and what becomes of it."""
