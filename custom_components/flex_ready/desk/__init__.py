"""The runtime of the flexibility requests of a building: who may ask, what is kept, what is told.

What a request is and becomes is decided in flexibility/; which loads give the power is decided in control/.
"""
