"""A ticket as a person reads it before a trade: what, how much, what is at stake, where it ends."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.ticket import Ticket

from . import figures

__all__ = ["WIDTH_MAX", "direction", "ticket_panel"]

WIDTH_MAX = 80


def direction(side: Side) -> str:
    """Name a side as traders do."""
    return "LONG" if side is Side.BUY else "SHORT"


def ticket_panel(
    ticket: Ticket, *, title: str, base_coin: str, rules: str, style: str = "cyan"
) -> RenderableType:
    """Draw a ticket. ``rules`` says how it was judged."""
    parts: list[RenderableType] = [_facts(ticket, base_coin)]
    if ticket.rungs:
        parts += ["", _ladder(ticket, base_coin)]
    parts += ["", _last_line(ticket, rules)]
    parts += [Text(f"Note: {note}", style="yellow") for note in _notes(ticket, base_coin)]
    heading = f"{title}  {ticket.symbol}  {direction(ticket.side)}"
    return Panel(
        Group(*parts), title=escape(heading), title_align="left", width=WIDTH_MAX, style=style
    )


def _places(ticket: Ticket) -> int:
    """Return how many decimals the prices of a ticket share, so that they line up."""
    prices = [ticket.entry, *(rung.price for rung in ticket.rungs)]
    if ticket.stop is not None:
        prices.append(ticket.stop)
    return max(map(figures.decimals, prices))


def _facts(ticket: Ticket, base_coin: str) -> Table:
    places = _places(ticket)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=14)
    table.add_column(justify="right", min_width=14)
    table.add_column()
    table.add_row("Quantity", figures.qty(ticket.qty, base_coin), _value(ticket))
    worst = "" if ticket.entry_worst == ticket.entry else f"at worst {_short(ticket.entry_worst)}"
    table.add_row(
        "Entry", figures.price(ticket.entry, places), f"{ticket.kind.value} order  {worst}"
    )
    if ticket.stop is None:
        table.add_row("Stop", "none", "the loss is not bounded by an order")
    else:
        away = figures.percent((ticket.stop - ticket.entry) / ticket.entry)
        table.add_row("Stop", figures.price(ticket.stop, places), f"{away} from entry")
    _risk_rows(table, ticket)
    margin = f"initial margin {figures.money(ticket.initial_margin)} USDT"
    table.add_row("Leverage", f"{ticket.leverage} x", margin)
    table.add_row("Liquidation", *_liquidation(ticket))
    return table


def _short(price: Price) -> str:
    return f"{price.value:.2f}"


def _value(ticket: Ticket) -> str:
    times = figures.ratio(ticket.notional / ticket.equity) if ticket.equity.sign > 0 else "-"
    return f"worth {figures.money(ticket.notional)} USDT, {times} x equity"


def _risk_rows(table: Table, ticket: Ticket) -> None:
    if ticket.risk is None:
        table.add_row("Money at risk", "unknown", "a stop defines it")
        return
    share = ticket.risk / ticket.equity if ticket.equity.sign > 0 else None
    equity = f"{figures.percent(share)} of the equity of {figures.money(ticket.equity)} USDT"
    table.add_row("Money at risk", f"{figures.money(ticket.risk)} USDT", equity)
    table.add_row("  price", f"{figures.money(ticket.price_risk)} USDT", "from entry to stop")
    costs = "both fees and slippage at worst"
    table.add_row("  costs", f"{figures.money(ticket.cost_risk)} USDT", costs)


def _liquidation(ticket: Ticket) -> tuple[str, str]:
    if ticket.liquidation is None:
        return "none", "no price that the venue can show reaches it"
    away = figures.percent((ticket.liquidation - ticket.entry) / ticket.entry)
    return _short(ticket.liquidation), f"{away} from entry"


def _ladder(ticket: Ticket, base_coin: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for name in ("Target", "R", "Price", f"Quantity {base_coin}", "Closes", "Gains USDT"):
        table.add_column(name, justify="left" if name == "Target" else "right")
    places = _places(ticket)
    for rung in ticket.rungs:
        table.add_row(
            str(rung.number),
            figures.ratio(rung.reward_to_risk),
            figures.price(rung.price, places),
            str(rung.qty),
            figures.percent(rung.qty / ticket.qty),
            figures.signed(_gain(ticket, rung.price, rung.qty)),
        )
    return table


def _gain(ticket: Ticket, price: Price, qty: Qty) -> Money:
    return (price - ticket.entry).times(ticket.side.sign) * qty


def _last_line(ticket: Ticket, rules: str) -> Text:
    net: Rate | None = ticket.reward_to_risk_net
    line = Text(rules)
    if net is not None:
        line.append(f"; reward to risk after costs {figures.ratio(net)}")
    return line


def _notes(ticket: Ticket, base_coin: str) -> tuple[str, ...]:
    reduced = ticket.reduced_from
    first = () if reduced is None else (f"reduced from {figures.qty(reduced, base_coin)}",)
    return (*first, *ticket.notes)
