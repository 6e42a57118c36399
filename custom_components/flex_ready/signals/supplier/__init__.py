"""The supplier signal of Flex Ready Annex 2: price, CO2 and power over time."""
