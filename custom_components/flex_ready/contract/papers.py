"""The report of a quarter on paper: CSV for those who reckon on, PDF for those who file it."""

from collections.abc import Iterator, Mapping
import csv
from datetime import timedelta, tzinfo
from io import BytesIO, StringIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from ..settlement.model import STEP
from ..settlement.report import ActivityReport, Totals
from ..settlement.volumes import StepVolume

_GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("ALIGN", (3, 1), (-1, -1), "RIGHT"),
        ("FONTSIZE", (0, 0), (-1, -1), 8),
    ]
)
_DATE = "%d/%m/%Y %H:%M"
_COLUMNS = (
    *("order_id", "purpose", "step_start", "step_end", "expected_wh", "realised_wh"),
    *("paid_wh", "deficient_wh", "complete"),
)
_MINUTE = timedelta(minutes=1)


def as_csv(report: ActivityReport, zone: tzinfo) -> str:
    """Write every half-hour of a quarter: Wh with a decimal point, local times with their offset."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in report.lines:
        one = line.activation
        for step in one.steps:
            start = step.step.astimezone(zone)
            writer.writerow(
                [
                    one.order.id,
                    one.order.purpose.value,
                    start.isoformat(),
                    (step.step + STEP).astimezone(zone).isoformat(),
                    *(_wh(step)),
                    int(step.complete),
                ]
            )
    return file.getvalue()


def as_pdf(report: ActivityReport, contract: str, zone: tzinfo, texts: Mapping[str, str]) -> bytes:
    """Write a quarter: its activations with what adds up, and each half-hour that is a default; `texts` by key."""
    styles = getSampleStyleSheet()
    small = styles["BodyText"].clone("small", fontSize=8, leading=9)

    def text(key: str) -> str:
        return texts.get(f"report_{key}", key)

    heads = [text(key) for key in ("order", "start", "minutes", "expected", "realised", "deficient")]
    money = [text(key) for key in ("premium", "penalty")]
    rows: list[list[object]] = [[*heads, *money]]
    for line in report.lines:
        order = line.activation.order
        rows.append(
            [
                Paragraph(escape(order.id), small),
                order.start.astimezone(zone).strftime(_DATE),
                str(order.length // _MINUTE),
                *_figures(line.activation.totals),
            ]
        )
    rows.append([text("total"), "", "", *_figures(report.totals)])
    story: list[Flowable] = [
        Paragraph(escape(f"{text('title')} {report.quarter}"), styles["Title"]),
        Paragraph(escape(contract), styles["Heading2"]),
        Paragraph(escape(text("complete" if report.complete else "incomplete")), styles["BodyText"]),
        *(Paragraph(escape(line), styles["BodyText"]) for line in _ended(report, text("termination"))),
        Spacer(1, 4 * mm),
        Table(rows, repeatRows=1, style=_GRID, colWidths=[70 * mm, 32 * mm, *[28 * mm] * 6]),
    ]
    defaults = [
        (line.activation.order.id, step) for line in report.lines for step in line.activation.steps if step.default
    ]
    if defaults:
        story += [Spacer(1, 6 * mm), Paragraph(escape(text("defaults")), styles["Heading2"])]
        table: list[list[object]] = [[heads[0], heads[1], "", *heads[3:]]]
        table += [
            [
                Paragraph(escape(name), small),
                step.step.astimezone(zone).strftime(_DATE),
                "",
                *(_kwh(float(wh)) for wh in (step.expected, step.counted or 0, step.deficient)),
            ]
            for name, step in defaults
        ]
        story.append(Table(table, repeatRows=1, style=_GRID, colWidths=[70 * mm, 32 * mm, *[28 * mm] * 4]))
    file = BytesIO()
    margin = 10 * mm
    SimpleDocTemplate(
        file,
        pagesize=landscape(A4),
        title=f"{contract} {report.quarter}",
        author="Flex Ready",
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
    ).build(story)
    return file.getvalue()


def _ended(report: ActivityReport, text: str) -> Iterator[str]:
    """Tell that the contract ended in the quarter, and what that costs."""
    if (ended := report.termination) is not None:
        yield text.format(day=f"{ended.day:%d/%m/%Y}", penalty=f"{ended.penalty:.2f}")


def _wh(step: StepVolume) -> tuple[str, ...]:
    amounts = (step.expected, step.raw, step.paid, step.deficient)
    return tuple("" if one is None else f"{float(one):.3f}" for one in amounts)


def _figures(totals: Totals) -> tuple[str, ...]:
    volumes = (totals.expected, totals.realised, totals.deficient)
    return (*(_kwh(float(wh)) for wh in volumes), f"{totals.premium:.2f}", f"{totals.penalty:.2f}")


def _kwh(wh: float) -> str:
    return f"{wh / 1000:.3f}"
