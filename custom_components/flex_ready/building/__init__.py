"""The runtime of a building: what it reads, what it commands, what survives. It decides nothing: control/ does."""
