"""One declarative table per meter: what it sends, in which form, what it means, and who says so."""

from ..model import Meter
from . import ice, linky_historique, linky_standard, pme_pmi, saphir
from ._table import Label, Table, When

TABLES: dict[Meter, Table] = {
    table.meter: table
    for table in (pme_pmi.TABLE, saphir.TABLE, ice.TABLE, linky_historique.TABLE, linky_standard.TABLE)
}

__all__ = ["TABLES", "Label", "Table", "When"]
