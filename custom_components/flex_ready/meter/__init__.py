"""The meter in Home Assistant: one reader, one state, and what of it reaches the recorder."""
