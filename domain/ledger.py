"""The books: what was earned, what it cost, the day, the high-water mark and the history of losses.

This is the only place that counts realised profit, fees, funding and trades. A ledger is a frozen
value; every function returns a new one and shares what did not change. Amounts are USDT, times UTC
milliseconds; fees and funding are positive when paid. A deposit or withdrawal is a transfer: it
moves the wallet, the day's opening and the high-water mark, and is neither profit nor loss. What is
booked counts in the open day: the caller turns the day before the first booking beyond its end, and
what comes after its day was closed is of the day in which it became known.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from .day import DAY_MS, DayBoundary, day_label, day_start_ms
from .equity import AT_OPENING, Anchor, EquitySource
from .history import NO_HISTORY, History, after_trade
from .money import EXACT, ZERO_MONEY, ZERO_RATE, Money, Rate
from .trade import ClosedTrade

__all__ = [
    "DAYS_KEPT",
    "IDLE_DAYS_MAX",
    "DayBook",
    "DayClosed",
    "History",
    "Ledger",
    "book_fill",
    "book_funding",
    "book_trade",
    "book_transfer",
    "day_profit",
    "equity",
    "is_new_mark",
    "mark_equity",
    "opened",
    "roll_day",
]

DAYS_KEPT = 400
"""How many closed days stay in memory; every older one is in the state store."""
_MARK_QUANTUM = Decimal("1e-18")
IDLE_DAYS_MAX = 3_660
"""Longest silence, in days, that a roll bridges; a longer one is a wrong clock."""


@attrs.frozen(kw_only=True)
class DayBook:
    """The open day. ``wins`` and ``losses`` count trades by their net result."""

    start_ms: int
    opening_equity: Money
    realised: Money = ZERO_MONEY
    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    trades: int = 0
    wins: int = 0
    losses: int = 0

    @property
    def net(self) -> Money:
        """Return the day's realised profit after fees and funding."""
        return self.realised - self.fees - self.funding


@attrs.frozen(kw_only=True)
class DayClosed:
    """A finished day, ``end_ms`` exclusive. Equity counts open positions at mark.

    ``closing_equity`` is the first equity known after the day's end, or the last before a booking
    beyond it that comes first; it opens the next day too.
    """

    label: str
    start_ms: int
    end_ms: int
    opening_equity: Money
    closing_equity: Money
    realised: Money = ZERO_MONEY
    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    trades: int = 0
    wins: int = 0
    losses: int = 0

    @property
    def profit(self) -> Money:
        """Return the change of equity over the day."""
        return self.closing_equity - self.opening_equity

    @property
    def return_rate(self) -> Rate | None:
        """Return profit over opening equity, ``None`` when that was not above zero."""
        return self.profit / self.opening_equity if self.opening_equity > ZERO_MONEY else None


@attrs.frozen(kw_only=True)
class Ledger:
    """The books since ``opening``, the wallet before the first booking.

    ``realised``, ``fees``, ``funding``, ``trades``, ``wins``, ``losses`` and ``days_closed`` are
    complete since then; ``days`` holds the last :data:`DAYS_KEPT`. ``high_water`` is the highest
    equity marked. ``deepest_drawdown`` is the largest fall from it as a share of it and
    ``deepest_fall`` the largest in USDT; the two may be of different times. ``transfers`` is what
    came in less what went out, ``basis`` how many there were; ``high_water_anchor`` says what the
    mark stands on.
    """

    opening: Money
    realised: Money = ZERO_MONEY
    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    trades: int = 0
    wins: int = 0
    losses: int = 0
    today: DayBook
    high_water: Money
    deepest_drawdown: Rate = ZERO_RATE
    deepest_fall: Money = ZERO_MONEY
    days_closed: int = 0
    days: tuple[DayClosed, ...] = ()
    history: History = NO_HISTORY
    transfers: Money = ZERO_MONEY
    basis: int = 0
    high_water_anchor: Anchor = AT_OPENING

    @property
    def wallet(self) -> Money:
        """Return opening + transfers + realised - fees - funding."""
        return self.opening + self.transfers + self.realised - self.fees - self.funding

    @property
    def anchor(self) -> Anchor:
        """Return what an equity of these books stands on now."""
        return Anchor(source=EquitySource.LEDGER, basis=self.basis)

    @property
    def scratches(self) -> int:
        """Return how many trades ended at exactly zero."""
        return self.trades - self.wins - self.losses


def opened(opening: Money, now_ms: int, boundary: DayBoundary) -> Ledger:
    """Open new books with a wallet and no position; the day is the one that contains ``now_ms``."""
    today = DayBook(start_ms=day_start_ms(now_ms, boundary), opening_equity=opening)
    return Ledger(opening=opening, today=today, high_water=opening)


def book_fill(ledger: Ledger, *, realised: Money, fee: Money) -> Ledger:
    """Book one execution: the profit that it realised, before costs, and its fee."""
    today = ledger.today
    return attrs.evolve(
        ledger,
        realised=ledger.realised + realised,
        fees=ledger.fees + fee,
        today=attrs.evolve(today, realised=today.realised + realised, fees=today.fees + fee),
    )


def book_funding(ledger: Ledger, amount: Money) -> Ledger:
    """Book one funding settlement, positive when paid."""
    today = ledger.today
    return attrs.evolve(
        ledger,
        funding=ledger.funding + amount,
        today=attrs.evolve(today, funding=today.funding + amount),
    )


def book_transfer(ledger: Ledger, *, amount: Money, equity_before: Money) -> Ledger:
    """Book money that came (``amount > 0``) or went, when equity was ``equity_before``.

    The day's opening moves by the amount, so that it is no profit of the day; the high-water mark
    moves in proportion, so that the share by which equity is below it stays, and with it the fall
    in USDT that share is now. Where there is no proportion, at or below zero, a new mark begins at
    the equity after it.
    """
    after = equity_before + amount
    basis = ledger.basis + 1
    is_proportional = equity_before > ZERO_MONEY and after > ZERO_MONEY
    mark = _scaled(ledger.high_water, after, equity_before) if is_proportional else after
    return attrs.evolve(
        ledger,
        transfers=ledger.transfers + amount,
        basis=basis,
        high_water=mark,
        high_water_anchor=Anchor(source=ledger.high_water_anchor.source, basis=basis),
        today=attrs.evolve(ledger.today, opening_equity=ledger.today.opening_equity + amount),
    )


def _scaled(amount: Money, numerator: Money, denominator: Money) -> Money:
    product = EXACT.multiply(amount.value, numerator.value)
    share = EXACT.divide(product, denominator.value)
    return Money(share.quantize(_MARK_QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT))


def book_trade(ledger: Ledger, trade: ClosedTrade) -> Ledger:
    """Count a finished trade, in the open day, and remember its loss for the history rules.

    Its money was booked by its fills and funding settlements already and is not booked again.
    """
    won, lost = trade.net > ZERO_MONEY, trade.net < ZERO_MONEY
    today = ledger.today
    return attrs.evolve(
        ledger,
        trades=ledger.trades + 1,
        wins=ledger.wins + won,
        losses=ledger.losses + lost,
        today=attrs.evolve(
            today, trades=today.trades + 1, wins=today.wins + won, losses=today.losses + lost
        ),
        history=after_trade(ledger.history, trade),
    )


def equity(ledger: Ledger, unrealised: Money) -> Money:
    """Return the wallet plus the profit of open positions at mark."""
    return ledger.wallet + unrealised


def day_profit(ledger: Ledger, equity: Money) -> Money:
    """Return the change of equity since the day began, open positions at mark."""
    return equity - ledger.today.opening_equity


def mark_equity(ledger: Ledger, equity: Money, anchor: Anchor | None = None) -> Ledger:
    """Fold one observed equity into the high-water mark and the deepest drawdown.

    A fall from a mark that is not above zero has no share; it counts in USDT alone. An equity on
    another ``anchor`` than the mark's (by default it is of these books) begins a new mark: what
    lies between the two is no fall.
    """
    stands_on = ledger.anchor if anchor is None else anchor
    if not stands_on.agrees_with(ledger.high_water_anchor):
        return attrs.evolve(ledger, high_water=equity, high_water_anchor=stands_on)
    if not is_new_mark(ledger, equity):
        return ledger
    if equity > ledger.high_water:
        ledger = attrs.evolve(ledger, high_water_anchor=stands_on)
    fall = ledger.high_water - equity
    return attrs.evolve(
        ledger,
        high_water=max(ledger.high_water, equity),
        deepest_drawdown=max(ledger.deepest_drawdown, _share(fall, ledger.high_water)),
        deepest_fall=max(ledger.deepest_fall, fall),
    )


def is_new_mark(ledger: Ledger, equity: Money) -> bool:
    """Tell whether :func:`mark_equity` would change the ledger, so that it must be journaled."""
    if not ledger.anchor.agrees_with(ledger.high_water_anchor):
        return True
    if equity > ledger.high_water:
        return True
    fall = ledger.high_water - equity
    return fall > ledger.deepest_fall or _share(fall, ledger.high_water) > ledger.deepest_drawdown


def _share(fall: Money, high_water: Money) -> Rate:
    return fall / high_water if high_water > ZERO_MONEY else ZERO_RATE


def roll_day(
    ledger: Ledger, *, now_ms: int, equity: Money, boundary: DayBoundary
) -> tuple[Ledger, tuple[DayClosed, ...]]:
    """Close every day that ended by ``now_ms``, oldest first, and open the current one.

    The open day closes at ``equity``; days without any activity in between are flat at it. The
    equity is marked as :func:`mark_equity` does. Within the open day, or before it, the same
    ledger comes back with no closed day. When the boundary was changed meanwhile, the open day is
    cut at the first new boundary after its start.

    Raises:
        ValueError: more than :data:`IDLE_DAYS_MAX` days would have to be closed.

    """
    start_ms = day_start_ms(now_ms, boundary)
    if start_ms <= ledger.today.start_ms:
        return ledger, ()
    first_end_ms = day_start_ms(ledger.today.start_ms, boundary) + DAY_MS
    idle = (start_ms - first_end_ms) // DAY_MS
    if idle > IDLE_DAYS_MAX:
        raise ValueError(
            f"the time {now_ms} is {idle} days after the end of the open day at {first_end_ms}: "
            f"at most {IDLE_DAYS_MAX} idle days are bridged; check the clock (milliseconds, UTC)"
        )
    closed = (
        _closed_day(ledger.today, end_ms=first_end_ms, equity=equity, boundary=boundary),
        *(
            _flat_day(first_end_ms + n * DAY_MS, equity=equity, boundary=boundary)
            for n in range(idle)
        ),
    )
    marked = mark_equity(ledger, equity)
    rolled = attrs.evolve(
        marked,
        today=DayBook(start_ms=start_ms, opening_equity=equity),
        days_closed=marked.days_closed + len(closed),
        days=(marked.days + closed)[-DAYS_KEPT:],
    )
    return rolled, closed


def _closed_day(book: DayBook, *, end_ms: int, equity: Money, boundary: DayBoundary) -> DayClosed:
    return DayClosed(
        label=day_label(book.start_ms, boundary),
        start_ms=book.start_ms,
        end_ms=end_ms,
        opening_equity=book.opening_equity,
        closing_equity=equity,
        realised=book.realised,
        fees=book.fees,
        funding=book.funding,
        trades=book.trades,
        wins=book.wins,
        losses=book.losses,
    )


def _flat_day(start_ms: int, *, equity: Money, boundary: DayBoundary) -> DayClosed:
    return DayClosed(
        label=day_label(start_ms, boundary),
        start_ms=start_ms,
        end_ms=start_ms + DAY_MS,
        opening_equity=equity,
        closing_equity=equity,
    )
