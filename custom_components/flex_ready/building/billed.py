"""The windows as the meter counts them: what is only observed spares nothing of what is billed."""

from ..control.orders import Reading
from ..control.window import Reached, Window


class Billed:
    """Follows the windows that end."""

    def __init__(self) -> None:
        self.window: Window | None = None

    def take(self, reading: Reading) -> tuple[Reached, ...]:
        """Take a reading; return the windows that ended with it, newest last, their ends in ms of our clock."""
        window = self.window
        if window is None or (window.kind, window.td) != (reading.kind, reading.td):
            window = self.window = Window(reading.kind, reading.td)
        before = window.at
        if reading.energy is not None:
            window.read(reading.energy, reading.meter_at)
        elif reading.power is not None:
            window.draw(reading.power, reading.meter_at)
        skew = reading.meter_at - reading.heard
        ended = () if window.at == before else window.ended
        # A window that ended is held to the limit that was told in it.
        window.limit = reading.limit
        return tuple(Reached(one.end - skew, one.power, one.limit) for one in ended)
