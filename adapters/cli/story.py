"""What happens to a trade, as lines for a person."""

from collections.abc import Mapping

from tidegate.domain.core import events as ev
from tidegate.domain.orders import ClientId, Purpose, Side
from tidegate.domain.reports import Execution

from . import figures

__all__ = ["story_line"]


def story_line(event: ev.Event, base_coin: str, purposes: Mapping[ClientId, Purpose]) -> str | None:
    """Tell one event of a trade; ``None`` for bookkeeping that a person need not see.

    ``purposes`` says of each order of the trade what it is for.
    """
    match event:
        case ev.Filled():
            return _filled(event.execution, base_coin, purposes)
        case ev.Replanned() if event.stop is not None:
            targets = ", ".join(figures.price(rung.price) for rung in event.rungs)
            moved = f"levels from the fill: stop {figures.price(event.stop)}"
            return f"{moved}, targets {targets}" if targets else moved
        case ev.StopConfirmed():
            return f"the venue shows the stop at {figures.price(event.price)}"
        case ev.StopMissing():
            return "the venue does not show the stop: closing the position"
        case ev.FundingBooked():
            amount = event.payment.amount
            verb = "paid" if amount.sign >= 0 else "received"
            return f"funding {verb}: {figures.money(abs(amount))} USDT"
        case ev.CloseStarted():
            return f"closing the position: {event.reason.value}"
        case ev.OrderRefused():
            return f"the venue refused an order: {event.message}"
        case ev.TradeClosed():
            trade = event.trade
            r = figures.signed_r(trade.in_r(trade.net))
            held = figures.duration(trade.closed_ms - trade.opened_ms)
            return (
                f"closed by {trade.reason.value} after {held}: "
                f"{figures.signed(trade.net)} USDT = {r}"
            )
        case _:
            return None


def _filled(execution: Execution, base_coin: str, purposes: Mapping[ClientId, Purpose]) -> str:
    verb = "bought" if execution.side is Side.BUY else "sold"
    known = None if execution.client_id is None else purposes.get(execution.client_id)
    what = execution.origin.value.replace("_", " ") if known is None else str(known)
    return (
        f"{what.replace('_', ' ')}: {verb} {figures.qty(execution.qty, base_coin)} at "
        f"{figures.price(execution.price)}, fee {figures.money(execution.fee)} USDT"
    )
