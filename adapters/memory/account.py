"""Settings of the account and of positions, and the wallet, at the scripted venue.

It knows one coin, USDT, which is always collateral and can neither be borrowed nor switched.
"""

from tidegate.domain.instrument import RiskTier
from tidegate.domain.money import ONE, ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import (
    Capability,
    Done,
    History,
    QueryFailed,
    Rejected,
    TimeRange,
    Unknown,
)

from . import account_requests
from .books import Books
from .calls import MemoryCalls
from .margins import account_report
from .options import RequestKind
from .partial import add_partial_stop

__all__ = ["MemoryAccount"]

_COIN = "USDT"


class MemoryAccount(MemoryCalls):
    """The account's part of the exchange port."""

    def add_partial_stop(self, stop: PartialStop) -> Done | Rejected | Unknown:
        """Add a pair of legs for a part of an open position, at once.

        Outcomes and errors: see :meth:`AccountPort.add_partial_stop`.
        """
        self._capabilities.require(Capability.PARTIAL_STOP)
        return self._request(RequestKind.PARTIAL_STOP, lambda books: add_partial_stop(books, stop))

    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected | Unknown:
        """Set the account's margin mode, at once.

        Outcomes and errors: see :meth:`AccountPort.set_margin_mode`.
        """
        self._capabilities.require(Capability.MARGIN_MODE)
        return self._request(
            RequestKind.ACCOUNT, lambda books: account_requests.set_margin_mode(books, mode)
        )

    def position_mode(self, symbol: Symbol) -> PositionMode:
        """Return the mode that the script set: one-way until then.

        Outcomes and errors: see :meth:`AccountPort.position_mode`.
        """
        self._capabilities.require(Capability.POSITION_MODE)

        def read(books: Books) -> PositionMode:
            books.instrument(symbol)
            return books.position_mode

        return self._ask("position_mode", read)

    def add_margin(self, symbol: Symbol, amount: Money) -> Done | Rejected | Unknown:
        """Add to the margin of an isolated position, or take back, at once.

        Outcomes and errors: see :meth:`AccountPort.add_margin`.
        """
        self._capabilities.require(Capability.ADD_MARGIN)
        return self._request(
            RequestKind.ACCOUNT, lambda books: account_requests.add_margin(books, symbol, amount)
        )

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Done | Rejected | Unknown:
        """Keep and show the choice; only the script liquidates here, so nothing is ever added.

        Outcomes and errors: see :meth:`AccountPort.set_auto_add_margin`.
        """
        self._capabilities.require(Capability.AUTO_ADD_MARGIN)
        return self._request(
            RequestKind.ACCOUNT,
            lambda books: account_requests.set_auto_add_margin(books, symbol, on=on),
        )

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """Return the tiers of the specification.

        Outcomes and errors: see :meth:`AccountPort.risk_tiers`.
        """
        self._capabilities.require(Capability.RISK_TIERS)
        return self._ask("risk_tiers", lambda books: books.instrument(symbol).tiers)

    def balance(self, coin: str) -> CoinBalance:
        """Return the balance of USDT; any other coin is ``QueryFailed``.

        Outcomes and errors: see :meth:`AccountPort.balance`.
        """
        self._capabilities.require(Capability.BALANCES)
        if coin != _COIN:
            raise QueryFailed(f"balance of {coin!r}: this venue knows {_COIN} only")
        return self._ask("balance", _balance)

    def balances(self) -> tuple[CoinBalance, ...]:
        """Return the balance of USDT, unless it is empty.

        Outcomes and errors: see :meth:`AccountPort.balances`.
        """
        self._capabilities.require(Capability.BALANCES)
        found = self._ask("balances", _balance)
        is_empty = found.wallet == found.equity == ZERO_MONEY
        return () if is_empty else (found,)

    def collateral(self) -> tuple[Collateral, ...]:
        """Return that USDT is collateral, and cannot be anything else.

        Outcomes and errors: see :meth:`AccountPort.collateral`.
        """
        self._capabilities.require(Capability.COLLATERAL)
        only = Collateral(coin=_COIN, is_on=True, may_be_switched=False, value_ratio=ONE)
        return self._ask("collateral", lambda _: (only,))

    def set_collateral(self, coin: str, *, on: bool) -> Done | Rejected | Unknown:
        """Refuse every change: USDT is collateral, and there is nothing else.

        Outcomes and errors: see :meth:`AccountPort.set_collateral`.
        """
        self._capabilities.require(Capability.COLLATERAL)
        return self._request(
            RequestKind.ACCOUNT, lambda books: account_requests.set_collateral(books, coin, on=on)
        )

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """Return that nothing was ever borrowed.

        Outcomes and errors: see :meth:`AccountPort.borrowings`.
        """
        self._capabilities.require(Capability.BORROWINGS)
        del coin
        return self._ask("borrowings", lambda _: History[Borrowing](rows=(), covers=within))


def _balance(books: Books) -> CoinBalance:
    report = account_report(books)
    return CoinBalance(
        coin=_COIN,
        wallet=report.wallet,
        equity=report.equity,
        locked=ZERO_MONEY,
        borrowed=ZERO_MONEY,
        usd_value=report.equity,
        is_collateral=True,
    )
