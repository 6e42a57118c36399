"""Signals in Home Assistant: Ecowatt and the supplier's, each with its coordinator and its tables of entities."""
