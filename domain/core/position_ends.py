"""A position that is gone at the venue while its executions never came: our orders for it end.

A close is noticed by its executions, whatever way they come: by a stream, by a reading of the
history, after a restart. Where none comes, books and venue differ: once that is believed, what
tidegate placed for the position is cancelled, since a resting entry could open another one.
"""

from tidegate.domain.findings import FindingKind
from tidegate.domain.money import ZERO_QTY

from .asking import cancel_order
from .draft import Draft
from .inputs import ActivityRead

__all__ = ["cancel_for_ended"]


def cancel_for_ended(draft: Draft, read: ActivityRead) -> None:
    """Cancel our orders of each position that a believed reading shows as flat; only ours."""
    held = {report.symbol for report in read.positions if report.qty != ZERO_QTY}
    for symbol in tuple(draft.books.trades):
        is_believed = f"{FindingKind.POSITION_QTY.name.lower()}:{symbol}" in draft.books.findings
        if symbol in held or not is_believed:
            continue
        for order in draft.books.open_orders(symbol):
            cancel_order(draft, order.request.client_id)
