"""Keeping a building under its subscribed power: the window, the forecast, the loads, the arbiter (pure).

Time is whole milliseconds (UTC, since 1970), handed in; power is whole W or VA, as the subscribed power has it; energy
is whole millijoules (W·ms), in which nothing is ever rounded. No decision depends on a float.
"""
