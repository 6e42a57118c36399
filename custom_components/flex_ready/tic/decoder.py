"""Bytes in, verified groups and frames out; no I/O, never an exception, whatever arrives.

A group is given as soon as its CR is in: a PME-PMI frame takes 8 s at 1200 baud, and who waits for ETX reacts
8 s late. A frame is given when it closes. Groups are delimited by CR alone, as LF is what weak signals damage.
"""

from collections import deque
import re

from .layout import Fields, LayoutLearner
from .model import Counts, Event, Frame, Group, Meter, Reject
from .recognise import Recogniser
from .sense import Sense, sense_of
from .tables import TABLES

_STX, _ETX, _EOT = 0x02, 0x03, 0x04
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
"""Seen by a gateway that is wrongly set to 8N1, the parity bit arrives as bit 7."""
_BEGINNINGS = (b"\n", b"\x02", b"\x03")
_DELIMITERS = re.compile(rb"[\x02\x03\x04]").finditer
_PRINTABLE = re.compile(rb"[ -~]").search
_CONTROLS = bytes(range(0x20))

_MAX_LINE = 256
"""The longest group is a Linky's PJOURF+1 with 121 characters; a port at the wrong speed may never send a CR."""
_MAX_GROUPS = 300
"""A frame has 75 groups at the most (PME-PMI) or twice 133 (ICE, 4 quadrants); one without STX and ETX has no end."""
_MAX_MEMO = 512
"""Lines remembered. Most lines of a frame repeat those of the frame before; emptied when full, for a clock is new
in every frame."""
_KEPT_REJECTS = 20


class Decoder:
    """The state of one line.

    `counts` and `rejects` (the last lines that were dropped, with the reason) are for diagnostics.
    """

    __slots__ = (
        "_began",
        "_groups",
        "_layout",
        "_listening",
        "_memo",
        "_opened",
        "_openers",
        "_opening",
        "_recogniser",
        "_rejected",
        "_senses",
        "_tail",
        "counts",
        "rejects",
    )

    def __init__(self, meter: Meter | None = None) -> None:
        """Make a decoder for a line; `meter` where it is known already."""
        self.counts = Counts()
        self.rejects: deque[tuple[Reject, bytes]] = deque(maxlen=_KEPT_REJECTS)
        self._recogniser = Recogniser(meter)
        self._layout = LayoutLearner()
        self._senses: dict[bytes, Sense] = {}
        self._memo: dict[bytes, Group] = {}
        self._opening: dict[bytes, Group] = {}  # as the memo, for the line that opens the frames
        self._openers = TABLES[meter].openers if meter else frozenset[str]()
        self._listening = False  # a first line without its LF was cut by whoever began to listen
        self._tail = b""
        # The frame under way.
        self._began = False
        self._rejected = 0
        self._groups: list[Group] = []
        self._opened: set[str] = set()

    @property
    def meter(self) -> Meter | None:
        """The meter that speaks, or None while it is not recognised."""
        return self._recogniser.meter

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes as they arrive, cut anywhere; return the groups and frames that they complete, in order."""
        if not data.isascii():
            data = data.translate(_SEVEN_BITS)
        lines = (self._tail + data).split(b"\r")
        tail = lines.pop()
        events: list[Event] = []
        known = self._memo.get
        give = events.append
        keep = self._groups.append
        accepted = len(lines)
        for line in lines:
            if (group := known(line)) is None:
                group = self._line(line, events)
                keep = self._groups.append  # where a frame closed, another list took its place
                if group is None:
                    accepted -= 1
                    continue
            keep(group)
            give(group)
        if tail:
            if tail[0] == _ETX:
                # Right behind a CR: the frame is over. To wait for the next CR is to wait for the next frame.
                self._close(events, ended=True)
                self._listening = True
                tail = tail[1:]
            elif len(tail) > _MAX_LINE:
                tail = self._shorten(tail)
        if len(self._groups) > _MAX_GROUPS:
            self._close(events, ended=False)
        self._tail = tail
        self.counts.bytes += len(data)
        self.counts.groups += accepted
        return events

    def close(self) -> list[Event]:
        """Tell that no more bytes come; return the frame that was under way, if any."""
        events: list[Event] = []
        self.counts.dropped_bytes += len(self._tail)  # cut by whoever stopped listening: no fault of the line
        self._tail = b""
        self._close(events, ended=False)
        return events

    def _line(self, line: bytes, events: list[Event]) -> Group | None:
        """Return the group of a line (what stands between two CR) that is not in the memo; None where none is.

        Frames that the line closes go to `events`.
        """
        began = False
        self._listening = self._listening or line.startswith(_BEGINNINGS)
        if line and line[0] <= _ETX:
            if line[0] == _ETX:
                self._close(events, ended=True)
                line = line.lstrip(b"\x03")
                if (group := self._memo.get(line)) is not None:  # as where ETX ended the bytes before
                    return group
            if (group := self._opening.get(line)) is not None:
                self._begin(events)
                self._opened.add(group.key)
                return group
        if len(line) > _MAX_LINE:
            line = self._shorten(line)
        fields = self._layout.split(line)
        if fields is Reject.SHAPE:
            group_line, began = self._delimit(line, events)
            if group_line == b"\n":
                return None
            if group_line != line:
                line = group_line
                fields = self._layout.split(line)
        if isinstance(fields, Reject):
            self._reject(fields, line)
            return None
        self._listening = True
        return self._verified(line, fields, events, began=began)

    def _verified(self, line: bytes, fields: Fields, events: list[Event], *, began: bool) -> Group | None:
        """Return the group of a line whose checksum verifies, and remember it; None where its data cannot be."""
        label, horodate, data = fields
        sense = self._senses.get(label) or self._learn(label)
        recogniser = self._recogniser
        if (began or sense.witness is not recogniser.meter or recogniser.doubts) and recogniser.hear(
            sense.label, sense.witness, opens=began
        ):
            self._relearn()
            sense = self._learn(label)
        group = sense.group(horodate, data)
        if group is None:
            self._reject(Reject.FORMAT, line)
            return None
        if group.key in self._openers:
            # Without STX and ETX, the label that opens a frame says that another one began.
            if group.key in self._opened:
                self._close(events, ended=False)
            self._opened.add(group.key)
            if began:
                self._opening = {b"\x02" + line: group}
            return group
        if recogniser.meter is not None:  # until then every line is heard
            if len(self._memo) >= _MAX_MEMO:
                self._memo.clear()
            self._memo[line] = group
        return group

    def _shorten(self, line: bytes) -> bytes:
        """Drop all but the end of a line that no meter sends: a group may begin there.

        What is kept stands behind a byte that is none of a line's, so as not to be taken for the line's beginning.
        """
        self._listening = self._listening or line.startswith(_BEGINNINGS)
        self.counts.dropped_bytes += len(line) - _MAX_LINE
        return b"\x00" + line[1 - _MAX_LINE :]

    def _delimit(self, line: bytes, events: list[Event]) -> tuple[bytes, bool]:
        """Act on the frame delimiters of a line; return LF and what follows the last one, and whether that is STX.

        A damaged character may look like one ("B" less one bit is STX), so STX counts only before another control
        character (LF, or what became of it), and inside a group ETX counts only where STX follows.
        """
        began = False
        start = 0
        for match in _DELIMITERS(line):
            at = match.start()
            delimiter, after = line[at], line[at + 1 :]
            inside = _PRINTABLE(line, start, at) is not None
            if delimiter == _STX and not (after and after[0] < 0x20):
                continue
            if delimiter == _ETX and inside and _STX not in after:
                continue
            if inside and delimiter != _EOT:
                self._reject(Reject.TRUNCATED, line[start:at])
            if delimiter == _STX:
                self._begin(events)
            elif delimiter == _ETX:
                self._close(events, ended=True)
            else:
                self._interrupt()
            began = delimiter == _STX
            start = at + 1
        rest = line[start:].lstrip(_CONTROLS)
        before, lf, last = rest.rpartition(b"\n")
        if lf:  # a CR was lost: what stands behind this LF is a group of its own
            self._reject(Reject.SHAPE, b"\n" + before)
            return lf + last.lstrip(_CONTROLS), False
        return b"\n" + rest, began

    def _learn(self, label: bytes) -> Sense:
        if len(self._senses) >= _MAX_MEMO:
            self._senses.clear()
        self._senses[label] = sense = sense_of(label.decode(), self.meter)
        return sense

    def _relearn(self) -> None:
        """Read again, with the right table, what came before the meter was recognised."""
        self._memo.clear()
        self._senses.clear()
        self._opening.clear()
        self._openers = TABLES[self.meter].openers if self.meter else frozenset()
        again: list[Group] = []
        for group in self._groups:
            # Only a Linky dates its groups, and those labels cannot be taken for another meter's.
            typed = group if group.at else self._learn(group.label.encode()).group(None, group.raw.encode())
            if typed is None:
                self.counts.groups -= 1
                self._reject(Reject.FORMAT, f"{group.label} {group.raw}".encode())
            else:
                again.append(typed)
        self._groups = again
        self._opened = {group.key for group in again} & self._openers

    def _close(self, events: list[Event], *, ended: bool) -> None:
        """Give the frame under way, if it has any group, and begin a new one."""
        if groups := self._groups:
            complete = ended and self._began
            self.counts.frames += 1
            self.counts.complete_frames += complete
            events.append(Frame(self.meter, complete, self._rejected, tuple(groups)))
        self._reset()

    def _begin(self, events: list[Event]) -> None:
        """Begin a frame with STX; one that is under way has lost its ETX."""
        self._close(events, ended=False)
        self._began = True

    def _interrupt(self) -> None:
        """Drop the frame under way: the meter says that it is busy (remote reading, programming)."""
        self.counts.interruptions += 1
        self._reset()

    def _reset(self) -> None:
        self._began = False
        self._rejected = 0
        self._groups = []
        self._opened.clear()

    def _reject(self, reason: Reject, line: bytes) -> None:
        if not self._listening:
            self._listening = True
            self.counts.dropped_bytes += len(line)
            return
        self.counts.rejected[reason] += 1
        self._rejected += 1
        self.rejects.append((reason, line))
