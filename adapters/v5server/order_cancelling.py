"""POST order/cancel-all (Bybit V5): by default it also removes the position's protection."""

from collections.abc import Callable

from tidegate.domain.lifecycle import Status
from tidegate.domain.reports import OrderReport
from tidegate.ports.exchange import Accepted

from .operations_orders import cancel_report, check_category
from .order_queries import require_scope, scope
from .reading import Params, bad
from .replies import Reply
from .routes import Call
from .text import STOP_TYPES, link_id

__all__ = ["CANCELLED_AT_ONCE_MAX", "cancel_all"]

CANCELLED_AT_ONCE_MAX = 500

_FILTERS = ("Order", "StopOrder", "OpenOrder")


def cancel_all(call: Call) -> Reply:
    """Cancel what the filters mean, at most 500 orders; none of them means everything.

    Raises:
        V5Error: the request is refused; nothing was cancelled.

    """
    check_category(call.params)
    require_scope(call.params)
    in_scope, filtered = scope(call.exchange, call.params), _filtered(call.params)
    chosen = [
        order.report
        for order in call.account.orders.open_orders()
        if in_scope(order.report) and filtered(order.report)
    ]
    rows = []
    for report in chosen[:CANCELLED_AT_ONCE_MAX]:
        # One cancellation can end others, such as the sibling of a leg: those are not named again.
        if isinstance(cancel_report(call.account, report), Accepted):
            rows.append({"orderId": report.venue_id, "orderLinkId": link_id(report.client_id)})
    return Reply(result={"list": rows, "success": "1"})


def _filtered(params: Params) -> Callable[[OrderReport], bool]:
    """Return the test of ``orderFilter``: ``Order`` and ``OpenOrder`` mean those that can fill."""
    word, kind = params.text("orderFilter"), params.text("stopOrderType")
    if not word:
        return lambda _: True
    if word not in _FILTERS:
        raise bad(f"orderFilter is {word!r}; accepted: {', '.join(_FILTERS)}")
    if word != "StopOrder":
        return lambda report: report.status is not Status.UNTRIGGERED
    if kind not in ("", "Stop"):
        raise bad(f"stopOrderType is {kind!r}; Stop is accepted")
    spares_protection = kind == "Stop"

    def is_stop(report: OrderReport) -> bool:
        is_leg = report.origin in STOP_TYPES
        return report.status is Status.UNTRIGGERED and not (spares_protection and is_leg)

    return is_stop
