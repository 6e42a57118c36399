"""The volumes of perimeters as somebody writes them who knows pandas: merges and groups of whole columns.

It counts in floats, and rounds what it found to the fractions of a Wh of the bench at the end. Whoever knows it better
picks the half-hours that are needed before they merge.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from custom_components.flex_ready.settlement.perimeter import Planned
from custom_components.flex_ready.settlement.reference import Rule

_UNIT = ["act", "ef", "unit", "target"]
_PICK = {Rule.MEAN: "mean", Rule.LEAST: "min", Rule.MOST: "max", Rule.MEDIAN: "median"}
FRACTIONS = 40
"""Of a Wh: of which all means of the bench are multiples."""


def needs(orders: Sequence[Planned]) -> pd.DataFrame:
    """Return what the plans need, a row for each half-hour of each window; window 0 is the order's own."""
    rows = []
    for act, order in enumerate(orders):
        start = int(order.start.timestamp())
        for ef, of in order.entities.items():
            for target, expected in order.expected.items():
                head = act, start, ef, of.each_site, of.plan.rule.value, int(target.timestamp()), float(expected)
                rows.append((*head, 0, head[5]))
                for win, window in enumerate(of.plan.windows[target], 1):
                    rows += [(*head, win, int(step.timestamp())) for step in window]
    names = ["act", "start", "ef", "each_site", "rule", "target", "expected", "win", "ts"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"ef": "category", "rule": "category"})


def picked(readings: pd.DataFrame, needed: pd.DataFrame) -> pd.DataFrame:
    """Return the readings of the half-hours that are needed."""
    return readings[readings["ts"].isin(needed["ts"].unique())]


def settle(readings: pd.DataFrame, members: pd.DataFrame, needed: pd.DataFrame) -> pd.DataFrame:
    """Return raw, paid and deficient volumes by order and half-hour."""
    asked = needed[["act", "start", "ef", "each_site", "ts"]].drop_duplicates()
    there = asked.merge(members, on="ef")
    there = there[(there["valid_from"] <= there["start"]) & (there["start"] < there["valid_to"])]
    found = there.merge(readings, on=["ts", "site_id"], how="left")
    found["unit"] = found["site_id"].where(found["each_site"], -1)
    summed = (
        found.groupby(["act", "ef", "unit", "ts"], observed=True)
        .agg(wh=("wh", "sum"), there=("wh", "count"), due=("site_id", "size"))
        .reset_index()
    )
    steps = needed.merge(summed, on=["act", "ef", "ts"])
    windows = (
        steps.groupby([*_UNIT, "win", "rule", "expected"], observed=True)
        .agg(wh=("wh", "mean"), there=("there", "sum"), due=("due", "sum"))
        .reset_index()
    )
    windows.loc[windows["there"] < windows["due"], "wh"] = np.nan
    own = windows[windows["win"] == 0].set_index(_UNIT)
    others = windows[windows["win"] > 0]
    reference = pd.concat(
        [
            others[others["rule"] == rule].groupby(_UNIT, observed=True)["wh"].agg(how)
            for rule, how in _PICK.items()
            if (others["rule"] == rule).any()
        ]
    )
    lacks = others["wh"].isna().groupby([others[name] for name in _UNIT], observed=True).any()
    own = own.assign(realised=reference.where(~lacks) - own["wh"]).reset_index()
    perimeters = own.groupby(["act", "target"]).agg(realised=("realised", "sum"), expected=("expected", "first"))
    raw = np.rint(perimeters["realised"] * FRACTIONS).astype("int64")
    expected = np.rint(perimeters["expected"] * FRACTIONS).astype("int64")
    counted = raw.clip(lower=0)
    deficient = (expected - counted).where(5 * counted < 4 * expected, 0)
    return pd.DataFrame({"raw": raw, "paid": np.minimum(counted, expected), "deficient": deficient}).reset_index()
