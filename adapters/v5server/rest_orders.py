"""Order endpoints (Bybit V5, order), and execution/list."""

from collections.abc import Mapping
from types import MappingProxyType

from . import operations
from .errors import V5Error
from .executions import execution_rows
from .operations_orders import check_category
from .order_cancelling import cancel_all
from .order_checking import pre_check
from .order_queries import history, live_orders
from .paging import page, window
from .replies import Reply
from .routes import Call, PrivateRoute
from .rows_orders import history_row, order_row

__all__ = ["ORDER_ROUTES"]

_NO_PERMISSION = 10005


def _operation(name: str) -> PrivateRoute:
    """Return the route of an operation that the trade stream has too."""

    def act(call: Call) -> Reply:
        return operations.run(call.exchange, call.account, name, call.params.values)

    return PrivateRoute(act=act, method="POST", permission="Order", counts_itself=True)


def _realtime(call: Call) -> Reply:
    check_category(call.params)
    orders = live_orders(call.exchange, call.account, call.params)
    found = page(orders, call.params, default=20, most=50)
    rows = [order_row(call.account.order_view(report)) for report in found.items]
    return Reply(result={"category": "linear", "list": rows, "nextPageCursor": found.cursor})


def _history(call: Call) -> Reply:
    check_category(call.params)
    within = window(call.params, call.now_ms)
    orders = history(call.exchange, call.account, call.params, within=within, now_ms=call.now_ms)
    found = page(orders, call.params, default=20, most=50)
    rows = [history_row(call.account.order_view(report)) for report in found.items]
    return Reply(result={"category": "linear", "list": rows, "nextPageCursor": found.cursor})


def _executions(call: Call) -> Reply:
    check_category(call.params)
    found = page(execution_rows(call), call.params, default=50, most=100)
    return Reply(
        result={"category": "linear", "list": list(found.items), "nextPageCursor": found.cursor}
    )


def _cancel_on_disconnect(_: Call) -> Reply:
    """Refuse what the venue gives to institutions alone: cancelling on a lost connection."""
    raise V5Error(_NO_PERMISSION, "Permission denied: this is for institutional clients.")


ORDER_ROUTES: Mapping[str, PrivateRoute] = MappingProxyType(
    {
        **{path: _operation(name) for name, path in operations.BUCKETS.items()},
        "/v5/order/cancel-all": PrivateRoute(act=cancel_all, method="POST", permission="Order"),
        "/v5/order/disconnected-cancel-all": PrivateRoute(
            act=_cancel_on_disconnect, method="POST", permission="Order", is_in_demo=False
        ),
        "/v5/order/pre-check": PrivateRoute(
            act=pre_check, method="POST", permission="Order", is_in_demo=False
        ),
        "/v5/order/realtime": PrivateRoute(act=_realtime),
        "/v5/order/history": PrivateRoute(act=_history),
        "/v5/execution/list": PrivateRoute(act=_executions),
    }
)
