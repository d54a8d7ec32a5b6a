"""The account's part of the exchange port at Bybit."""

import threading
from abc import abstractmethod

from tidegate.domain.instrument import RiskTier
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import AccountPort, PartialStop
from tidegate.ports.exchange import Done, History, QueryFailed, Rejected, TimeRange, Unknown

from .account_changes import AccountChanges
from .account_queries import AccountQueries
from .asked import asked
from .rest import RestClient

__all__ = ["BybitAccount"]


class BybitAccount(AccountPort):
    """Settings and records of one account, over REST alone."""

    rest: RestClient
    _mode_change: threading.Lock

    @abstractmethod
    def _read_mode(self) -> MarginMode:
        """Read the margin mode, and remember it for what the streams tell."""

    def add_partial_stop(self, stop: PartialStop) -> Done | Rejected | Unknown:
        """See :meth:`AccountPort.add_partial_stop`."""
        return AccountChanges(self.rest).add_partial_stop(stop)

    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected | Unknown:
        """See :meth:`AccountPort.set_margin_mode`; done is what the account then shows."""
        # Balances that are pushed meanwhile are of the one mode or the other: none is read.
        with self._mode_change:
            outcome = AccountChanges(self.rest).set_margin_mode(mode)
            try:
                shown = self._read_mode()
            except QueryFailed as error:
                if not isinstance(outcome, Done):
                    return outcome
                cause = f"margin mode {mode.value} was taken and could not be read back: {error}"
                return Unknown(sent_ms=outcome.time_ms, cause=cause)
        if shown is mode or not isinstance(outcome, Done):
            return outcome
        cause = f"margin mode {mode.value} was taken, and the account shows {shown.value}"
        return Unknown(sent_ms=outcome.time_ms, cause=cause)

    def position_mode(self, symbol: Symbol) -> PositionMode:
        """See :meth:`AccountPort.position_mode`."""
        return asked(lambda: AccountQueries(self.rest).position_mode(symbol))

    def add_margin(self, symbol: Symbol, amount: Money) -> Done | Rejected | Unknown:
        """See :meth:`AccountPort.add_margin`; at most four decimals."""
        return AccountChanges(self.rest).add_margin(symbol, amount)

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Done | Rejected | Unknown:
        """See :meth:`AccountPort.set_auto_add_margin`."""
        return AccountChanges(self.rest).set_auto_add_margin(symbol, on=on)

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """See :meth:`AccountPort.risk_tiers`."""
        return asked(lambda: AccountQueries(self.rest).risk_tiers(symbol))

    def balance(self, coin: str) -> CoinBalance:
        """See :meth:`AccountPort.balance`."""
        return asked(lambda: AccountQueries(self.rest).balance(coin))

    def balances(self) -> tuple[CoinBalance, ...]:
        """See :meth:`AccountPort.balances`."""
        return asked(lambda: AccountQueries(self.rest).balances())

    def collateral(self) -> tuple[Collateral, ...]:
        """See :meth:`AccountPort.collateral`."""
        return asked(lambda: AccountQueries(self.rest).collateral())

    def set_collateral(self, coin: str, *, on: bool) -> Done | Rejected | Unknown:
        """See :meth:`AccountPort.set_collateral`; the venue switches neither USDT nor USDC."""
        return AccountChanges(self.rest).set_collateral(coin, on=on)

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """See :meth:`AccountPort.borrowings`."""
        return asked(lambda: AccountQueries(self.rest).borrowings(coin, within))
