"""Taking flexibility requests: what an asset can give, the JSON of the API, the life of a request, its rules (pure).

Power is W as Decimal, a magnitude of change; instants are UTC; prices are EUR/kWh. The clock is handed in.
"""
