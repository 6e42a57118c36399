"""What was delivered and what it is worth: load curves, reference methods, contracts, volumes, money, reports.

Exact: energies are whole Wh, what is derived of them are fractions, money is rounded once per line of an invoice.
"""
