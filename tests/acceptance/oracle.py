"""The judge of the books: worked out again from plain records of what crossed the exchange port.

Nothing here comes from the code under test. Amounts arrive as text, are exact fractions inside and
follow the bookkeeping of a linear perpetual: a reduction realises its share of the cost, rounded to
even at 18 decimals; a fee is value times rate; funding is signed quantity times mark times rate and
positive when paid. A venue may round fees and funding, half away from zero. Equity is worked out a
second time from the cash flows alone, where no average price and no rounding plays a part, and both
ways must agree to the last digit.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

__all__ = ["BooksFault", "FillRecord", "MarkRecord", "Oracle", "PaymentRecord", "TradeRecord"]

_COST_UNIT = 10**18
_ZERO = Fraction(0)


class BooksFault(AssertionError):
    """A record contradicts itself or the ones before it."""


class FillRecord(NamedTuple):
    """One execution; ``sign`` is 1 for a purchase and -1 for a sale."""

    identity: str
    symbol: str
    sign: int
    qty: str
    price: str
    fee: str
    is_maker: int
    time_ms: int


class PaymentRecord(NamedTuple):
    """One funding settlement; ``qty`` is signed, ``amount`` positive when paid."""

    identity: str
    symbol: str
    rate: str
    mark: str
    qty: str
    amount: str
    time_ms: int


class MarkRecord(NamedTuple):
    """The mark price of a symbol."""

    symbol: str
    mark: str
    time_ms: int


class TradeRecord(NamedTuple):
    """A trade from flat to flat: profit before costs, its costs, and how far it went both ways.

    The extremes are of the profit at marks that are not older than the trade's last fill.
    """

    symbol: str
    profit: Fraction
    fees: Fraction
    funding: Fraction
    worst: Fraction
    best: Fraction


class _Holding:
    """One symbol: signed quantity and cost, and the running sums of the trade that is open."""

    def __init__(self) -> None:
        self.qty = self.cost = _ZERO
        self.mark: Fraction | None = None
        self.profit = self.fees = self.funding = self.worst = self.best = _ZERO
        self.mark_ms = self.fill_ms = 0

    def look(self) -> None:
        """Widen the extremes, unless the mark is older than what is held."""
        if self.qty == 0 or (self.mark is not None and self.mark_ms >= self.fill_ms):
            profit = self.profit + self.unrealised
            self.worst, self.best = min(self.worst, profit), max(self.best, profit)

    def fill(self, sign: int, qty: Fraction, price: Fraction) -> Fraction:
        """Change the position and return what that realised."""
        if self.qty * sign >= 0:
            self.qty += sign * qty
            self.cost += sign * qty * price
            return _ZERO
        held = abs(self.qty)
        if qty > held:
            raise BooksFault(f"a fill of {qty} reverses a position of {self.qty}")
        share = self.cost * qty / held
        cost_out = share if qty == held else Fraction(round(share * _COST_UNIT), _COST_UNIT)
        self.qty += sign * qty
        self.cost -= cost_out
        return -sign * qty * price - cost_out

    @property
    def unrealised(self) -> Fraction:
        if self.qty == 0:
            return _ZERO
        if self.mark is None:
            raise BooksFault("a position is open and no mark price crossed the port")
        return self.qty * self.mark - self.cost


class Oracle:
    """Folds records in the order in which they crossed; a record seen before changes nothing.

    ``decimals`` is after how many the venue rounds fees and funding; ``None`` where it does not.
    """

    def __init__(
        self, *, opening: str, taker: str, maker: str, decimals: int | None = None
    ) -> None:
        self.opening = Fraction(opening)
        self._decimals = decimals
        self._rates = (Fraction(taker), Fraction(maker))
        self._holdings: dict[str, _Holding] = {}
        self._seen: dict[str, FillRecord | PaymentRecord] = {}
        self._cash = _ZERO
        self.realised = self.fees = self.funding = _ZERO
        self.trades: list[TradeRecord] = []

    def take(self, record: FillRecord | PaymentRecord | MarkRecord) -> None:
        """Fold one record."""
        if isinstance(record, MarkRecord):
            marked = self._holding(record.symbol)
            marked.mark, marked.mark_ms = Fraction(record.mark), record.time_ms
            marked.look()
            return
        known = self._seen.setdefault(record.identity, record)
        if known is not record:
            if known != record:
                raise BooksFault(f"{record.identity} crossed twice and changed: {known}, {record}")
            return
        if isinstance(record, FillRecord):
            self._fill(record)
        else:
            self._pay(record)

    def take_all(self, records: Iterable[FillRecord | PaymentRecord | MarkRecord]) -> None:
        """Fold records in their order."""
        for record in records:
            self.take(record)

    def _fill(self, record: FillRecord) -> None:
        qty, price, fee = Fraction(record.qty), Fraction(record.price), Fraction(record.fee)
        if qty <= 0 or price <= 0:
            raise BooksFault(f"{record}: quantity and price must be above zero")
        due = self._shown(qty * price * self._rates[record.is_maker])
        if fee != due:
            raise BooksFault(f"{record}: the fee due is {due}")
        holding = self._holding(record.symbol)
        realised = holding.fill(record.sign, qty, price)
        self.realised += realised
        self.fees += fee
        self._cash -= record.sign * qty * price
        holding.profit += realised
        holding.fees += fee
        holding.fill_ms = record.time_ms
        holding.look()
        if holding.qty == 0:
            self._close(record.symbol, holding)

    def _shown(self, amount: Fraction) -> Fraction:
        """Return an amount as the venue shows it."""
        if self._decimals is None:
            return amount
        units = abs(amount) * 10**self._decimals
        whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
        return Fraction(whole if amount >= 0 else -whole, 10**self._decimals)

    def _close(self, symbol: str, holding: _Holding) -> None:
        if holding.cost != 0:
            raise BooksFault(f"{symbol} is flat and a cost of {holding.cost} is left")
        self.trades.append(
            TradeRecord(
                symbol, holding.profit, holding.fees, holding.funding, holding.worst, holding.best
            )
        )
        holding.profit = holding.fees = holding.funding = holding.worst = holding.best = _ZERO

    def _pay(self, record: PaymentRecord) -> None:
        holding, amount = self._holding(record.symbol), Fraction(record.amount)
        if Fraction(record.qty) != holding.qty:
            raise BooksFault(f"{record}: the position is {holding.qty}")
        due = self._shown(holding.qty * Fraction(record.mark) * Fraction(record.rate))
        if amount != due:
            raise BooksFault(f"{record}: the funding due is {due}")
        self.funding += amount
        holding.funding += amount

    def _holding(self, symbol: str) -> _Holding:
        return self._holdings.setdefault(symbol, _Holding())

    def position(self, symbol: str) -> Fraction:
        """Return the signed quantity held."""
        return self._holding(symbol).qty

    def unrealised(self) -> Fraction:
        """Return the profit of open positions at mark, before fees."""
        return sum((held.unrealised for held in self._holdings.values()), _ZERO)

    @property
    def wallet(self) -> Fraction:
        """Return opening + realised - fees - funding."""
        return self.opening + self.realised - self.fees - self.funding

    def equity(self) -> Fraction:
        """Return the wallet plus open profit, after comparing it with the cash flows."""
        equity = self.wallet + self.unrealised()
        if equity != self.equity_by_cash():
            raise BooksFault(f"equity is {equity} by cost and {self.equity_by_cash()} by cash")
        return equity

    def equity_by_cash(self) -> Fraction:
        """Return the opening, every purchase and sale, fees and funding, and what is held."""
        held = (h.qty * h.mark for h in self._holdings.values() if h.mark is not None)
        return self.opening + self._cash - self.fees - self.funding + sum(held, _ZERO)
