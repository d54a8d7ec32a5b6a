"""What the scripted venue's positions and orders lock, by the formulas of the domain."""

from tidegate.domain import margin
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Money, Price, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, MarginMode, OrderReport, PositionReport

from .books import Books

__all__ = [
    "account_report",
    "announce",
    "available",
    "expected_price",
    "initial_margin",
    "liquidation_price",
    "opening_cost",
    "position_report",
]


def initial_margin(books: Books, symbol: Symbol, *, leverage: Rate) -> Money:
    """Return what the position of ``symbol`` locks at ``leverage``, what was added included.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    position = books.position(symbol)
    if position.side is None:
        return ZERO_MONEY
    locked = margin.initial_margin(
        side=position.side,
        qty=abs(position.qty),
        basis=_basis(books, symbol),
        leverage=leverage,
        taker=books.fees.taker,
    )
    return locked + books.extra_margin(symbol)


def _basis(books: Books, symbol: Symbol) -> Price:
    """Return the price that margin is counted from: entry when isolated, mark when cross."""
    entry = books.position(symbol).entry_price
    assert entry is not None, f"{symbol} is flat: no margin to count"
    match books.margin_mode:
        case MarginMode.ISOLATED:
            return entry
        case MarginMode.CROSS:
            return books.quote(symbol).mark


def _maintenance_margin(books: Books, symbol: Symbol) -> Money:
    position = books.position(symbol)
    if position.side is None:
        return ZERO_MONEY
    mark = books.quote(symbol).mark
    return margin.maintenance_margin(
        side=position.side,
        qty=abs(position.qty),
        mark=mark,
        basis=_basis(books, symbol),
        leverage=books.leverage(symbol),
        tier=margin.tier_for(books.instrument(symbol).tiers, position.notional(mark)),
        taker=books.fees.taker,
    )


def liquidation_price(
    books: Books, symbol: Symbol, *, extra_margin: Money | None = None
) -> Price | None:
    """Return the mark that ends the position, with another extra margin than it has if given.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    position, spec = books.position(symbol), books.instrument(symbol)
    if position.side is None or position.entry_price is None:
        return None
    mark = books.quote(symbol).mark
    tier = margin.tier_for(spec.tiers, position.notional(mark))
    if books.margin_mode is MarginMode.ISOLATED:
        price = margin.liquidation_price_isolated(
            side=position.side,
            qty=abs(position.qty),
            entry=position.entry_price,
            leverage=books.leverage(symbol),
            tier=tier,
            taker=books.fees.taker,
            extra_margin=books.extra_margin(symbol) if extra_margin is None else extra_margin,
        )
        return margin.reachable(price, price_min=spec.price_min, price_max=spec.price_max)
    others = tuple(other for other in books.folded if other != symbol)
    return margin.liquidation_price_cross(
        side=position.side,
        qty=abs(position.qty),
        entry=position.entry_price,
        leverage=books.leverage(symbol),
        tier=tier,
        taker=books.fees.taker,
        wallet=books.wallet,
        others_unrealised=_total(*(books.unrealised(other) for other in others)),
        others_maintenance=_total(*(_maintenance_margin(books, other) for other in others)),
        price_min=spec.price_min,
        price_max=spec.price_max,
    )


def _total(*amounts: Money) -> Money:
    return sum(amounts, start=ZERO_MONEY)


def opening_cost(books: Books, order: OrderReport, *, price: Price) -> Money:
    """Return what the part of ``order`` that opens would lock at ``price``; none if conditional."""
    if order.reduce_only or order.status is Status.UNTRIGGERED:
        return ZERO_MONEY
    left = order.qty - order.qty_filled
    opening = left - min(left, books.open_qty(order.symbol, order.side))
    return margin.order_cost(
        side=order.side,
        qty=opening,
        price=price,
        leverage=books.leverage(order.symbol),
        taker=books.fees.taker,
    )


def expected_price(books: Books, order: OrderReport) -> Price | None:
    """Return the limit, or the best price for a market order; ``None`` while there is no price."""
    quote = books.quotes.get(order.symbol)
    if order.price is not None or quote is None:
        return order.price
    return quote.offered_to(order.side)[0]


def available(books: Books) -> Money:
    """Return what new orders may use; open profit counts in cross margin only."""
    is_cross = books.margin_mode is MarginMode.CROSS
    free = books.wallet + (_unrealised(books) if is_cross else ZERO_MONEY)
    for symbol in books.folded:
        free = free - initial_margin(books, symbol, leverage=books.leverage(symbol))
    for order in books.live():
        if order.price is not None:
            free = free - opening_cost(books, order, price=order.price)
    return max(free, ZERO_MONEY)


def _unrealised(books: Books) -> Money:
    return _total(*(books.unrealised(symbol) for symbol in books.folded))


def account_report(books: Books) -> AccountReport:
    """Return balances; account-wide rates are defined in cross margin only.

    Raises:
        QueryFailed: a symbol that was traded has no price.

    """
    equity = books.wallet + _unrealised(books)
    initial = _total(*(initial_margin(books, s, leverage=books.leverage(s)) for s in books.folded))
    maintenance = _total(*(_maintenance_margin(books, symbol) for symbol in books.folded))
    has_rates = books.margin_mode is MarginMode.CROSS and equity > ZERO_MONEY
    return AccountReport(
        wallet=books.wallet,
        equity=equity,
        available=available(books),
        initial_margin_rate=initial / equity if has_rates else None,
        maintenance_margin_rate=maintenance / equity if has_rates else None,
        margin_mode=books.margin_mode,
        time_ms=books.now_ms(),
    )


def position_report(books: Books, symbol: Symbol) -> PositionReport:
    """Return the venue's view of a position, flat ones included.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    position, legs = books.position(symbol), books.leg_prices(symbol)
    return PositionReport(
        symbol=symbol,
        qty=position.qty,
        entry_price=position.entry_price,
        mark=books.quote(symbol).mark,
        leverage=books.leverage(symbol),
        liquidation_price=liquidation_price(books, symbol),
        stop_loss=legs.stop_loss,
        take_profit=legs.take_profit,
        trailing_distance=legs.trailing_distance,
        initial_margin=initial_margin(books, symbol, leverage=books.leverage(symbol)),
        maintenance_margin=_maintenance_margin(books, symbol),
        unrealised=books.unrealised(symbol),
        auto_add_margin=books.adds_margin.get(symbol, False),
        sequence=books.sequence(symbol),
        time_ms=books.now_ms(),
    )


def announce(books: Books, symbol: Symbol) -> None:
    """Announce the position and the account after a change of either."""
    books.count_change(symbol)
    books.outbox.append(position_report(books, symbol))
    books.outbox.append(account_report(books))
