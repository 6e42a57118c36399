"""The report of a session as PDF: what it was, a summary, and every exchange."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from .store import Row

_GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("FONTSIZE", (0, 0), (-1, -1), 8),
    ]
)
_WIDTHS = [38 * mm, 16 * mm, 96 * mm, 14 * mm, 16 * mm, 16 * mm, 76 * mm]


def report(session: Row, exchanges: Sequence[Row]) -> bytes:
    """Write the report of a session (PDF)."""
    styles = getSampleStyleSheet()
    small = styles["BodyText"].clone("small", fontSize=7, leading=8, wordWrap="CJK")

    def cell(value: object) -> Paragraph:
        return Paragraph(escape(str(value)), small)

    statuses = Counter(str(exchange["status"]) for exchange in exchanges)
    failed = [exchange for exchange in exchanges if int(str(exchange["status"])) >= 400]
    described = {
        "Session": session["id"],
        "Module": session["emulator_module"],
        "Dialect": session["dialect"],
        "External service": session["url"] or "-",
        "Opened": f"{session['created_at']} by {session['created_by']}",
        "Report made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    summary = {
        "Exchanges": len(exchanges),
        "Answers by status": ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())) or "-",
        "Failed": len(failed),
        "Longest (ms)": max((int(str(exchange["elapsed_ms"])) for exchange in exchanges), default=0),
    }
    head = ["Time (UTC)", "Method", "Path", "Status", "ms", "Bytes", "Outcome"]
    columns = ("at", "method", "path", "status", "elapsed_ms", "size", "outcome")
    rows = [[cell(exchange[name]) for name in columns] for exchange in exchanges]
    story = [
        Paragraph("Flex Ready emulator: session report", styles["Title"]),
        _table([[name, cell(value)] for name, value in described.items()], [45 * mm, 200 * mm]),
        Spacer(1, 6 * mm),
        Paragraph("Summary", styles["Heading2"]),
        _table([[name, cell(value)] for name, value in summary.items()], [45 * mm, 200 * mm]),
        Spacer(1, 6 * mm),
        Paragraph("Journal", styles["Heading2"]),
        _table([head, *rows], _WIDTHS, heads=1),
    ]
    file = BytesIO()
    margin = 12 * mm
    SimpleDocTemplate(
        file,
        pagesize=landscape(A4),
        title=f"Session {session['id']}",
        author="Flex Ready emulator",
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
    ).build(story)
    return file.getvalue()


def _table(rows: Sequence[list[Any]], widths: Sequence[float], heads: int = 0) -> Table:
    """Make a table; a row that is higher than a page goes on overleaf."""
    return Table(rows, widths, style=_GRID, splitInRow=1, repeatRows=heads)
