"""RTE Ecowatt, version 5: the state of the French power system, by the hour, up to three days ahead."""
