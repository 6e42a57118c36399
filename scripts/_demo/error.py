"""What can go wrong in the demo, in words for whoever started it."""


class DemoError(Exception):
    """The demo cannot go on; the text says why."""
