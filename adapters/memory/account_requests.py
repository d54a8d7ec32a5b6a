"""What requests about the account and about a position's margin do to the scripted venue's books.

The codes are those of Bybit V5 (error list; account/set-margin-mode, position/add-margin,
position/set-auto-add-margin, account/set-collateral-switch).
"""

from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import MarginMode, RejectReason
from tidegate.ports.exchange import Done

from .books import Books
from .faults import Refusal
from .margins import account_report, announce, available, liquidation_price

__all__ = ["add_margin", "set_auto_add_margin", "set_collateral", "set_margin_mode"]

_PARAMETER = 10001
_COIN = "USDT"


def _done(books: Books, *, was_already: bool = False) -> Done:
    return Done(time_ms=books.now_ms(), was_already=was_already)


def set_margin_mode(books: Books, mode: MarginMode) -> Done | Refusal:
    """Set the margin mode; with a position or an order only the present one is accepted.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    if mode is books.margin_mode:
        return _done(books, was_already=True)
    held = [symbol for symbol, position in books.folded.items() if not position.is_flat]
    resting = [order.symbol for order in books.live()]
    if held or resting:
        return Refusal(
            reason=RejectReason.OTHER,
            code=3400045,
            message=f"margin mode {mode.value}: every position must be closed and every order "
            f"ended first; there are some of {', '.join(sorted({*held, *resting}))}",
        )
    books.mode_set = mode
    books.outbox.append(account_report(books))
    return _done(books)


def add_margin(books: Books, symbol: Symbol, amount: Money) -> Done | Refusal:
    """Add to an isolated position's margin, or take back what was added.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    refusal = _margin_refusal(books, symbol, amount)
    if refusal is not None:
        return refusal
    if amount == ZERO_MONEY:
        return _done(books, was_already=True)
    books.extra_margins[symbol] = books.extra_margin(symbol) + amount
    announce(books, symbol)
    return _done(books)


def _margin_refusal(books: Books, symbol: Symbol, amount: Money) -> Refusal | None:
    if symbol not in books.instruments:
        return _unknown(symbol)
    if books.margin_mode is not MarginMode.ISOLATED:
        return Refusal(
            reason=RejectReason.NOT_SUPPORTED,
            code=110015,
            message="margin can be added in isolated margin only",
        )
    if books.position(symbol).is_flat:
        return Refusal(
            reason=RejectReason.NO_POSITION,
            code=110033,
            message=f"there is no position of {symbol}",
        )
    if amount > ZERO_MONEY and amount > available(books):
        return Refusal(
            reason=RejectReason.INSUFFICIENT_MARGIN,
            code=110014,
            message=f"margin of {amount} USDT; {available(books)} is available",
        )
    return _taking_refusal(books, symbol, -amount) if amount < ZERO_MONEY else None


def _taking_refusal(books: Books, symbol: Symbol, amount: Money) -> Refusal | None:
    added, side = books.extra_margin(symbol), books.position(symbol).side
    if amount > added:
        return Refusal(
            reason=RejectReason.INSUFFICIENT_MARGIN,
            code=110051,
            message=f"margin of {amount} USDT to take back; {added} was added",
        )
    level = liquidation_price(books, symbol, extra_margin=added - amount)
    mark = books.quote(symbol).mark
    if level is None or (mark > level if side is Side.BUY else mark < level):
        return None
    return Refusal(
        reason=RejectReason.RISK_LIMIT,
        code=110011,
        message=f"without {amount} USDT the position would be liquidated at {level}, mark {mark}",
    )


def _unknown(symbol: Symbol) -> Refusal:
    return Refusal(
        reason=RejectReason.INVALID_PARAMETER, code=_PARAMETER, message=f"symbol {symbol} invalid"
    )


def set_auto_add_margin(books: Books, symbol: Symbol, *, on: bool) -> Done | Refusal:
    """Keep whether margin is to be added by itself; isolated margin only.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    if symbol not in books.instruments:
        return _unknown(symbol)
    if books.margin_mode is not MarginMode.ISOLATED:
        return Refusal(
            reason=RejectReason.NOT_SUPPORTED,
            code=110076,
            message="margin is added by itself in isolated margin only",
        )
    was_already = books.adds_margin.get(symbol, False) is on
    books.adds_margin[symbol] = on
    if not was_already and symbol in books.quotes:
        announce(books, symbol)
    return _done(books, was_already=was_already)


def set_collateral(books: Books, coin: str, *, on: bool) -> Done | Refusal:
    """Take what is so already for done, and refuse the rest: USDT cannot be switched.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.
    """
    if coin == _COIN and on:
        return _done(books, was_already=True)
    what = "cannot be switched" if coin == _COIN else f"is unknown here; {_COIN} is the only coin"
    return Refusal(
        reason=RejectReason.INVALID_PARAMETER, code=_PARAMETER, message=f"coin {coin!r} {what}"
    )
