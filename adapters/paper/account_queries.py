"""What can be asked of the account at the paper venue: position mode, tiers, wallet, borrowing.

It knows one coin, USDT, which is always collateral and can neither be borrowed nor switched.
"""

from tidegate.domain.instrument import RiskTier
from tidegate.domain.money import ONE, ZERO_MONEY
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from .account import report_account
from .queries import PaperQueries

__all__ = ["PaperAccountQueries"]

_COIN = "USDT"


class PaperAccountQueries(PaperQueries):
    """The account's queries of the port."""

    def position_mode(self, symbol: Symbol) -> PositionMode:
        """Return one-way: there is no other mode here.

        Outcomes and errors: see :meth:`AccountPort.position_mode`.
        """
        self._transactions.instrument(symbol)
        return PositionMode.ONE_WAY

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """Return the tiers of the specification.

        Outcomes and errors: see :meth:`AccountPort.risk_tiers`.
        """
        return self._transactions.instrument(symbol).tiers

    def balance(self, coin: str) -> CoinBalance:
        """Return the balance of USDT; any other coin is :class:`QueryFailed`.

        Outcomes and errors: see :meth:`AccountPort.balance`.
        """
        if coin != _COIN:
            raise QueryFailed(f"balance of {coin!r}: this venue knows {_COIN} only")
        with self._transactions.reading() as world:
            report = report_account(world)
        return CoinBalance(
            coin=_COIN,
            wallet=report.wallet,
            equity=report.equity,
            locked=ZERO_MONEY,
            borrowed=ZERO_MONEY,
            usd_value=report.equity,
            is_collateral=True,
        )

    def balances(self) -> tuple[CoinBalance, ...]:
        """Return the balance of USDT, unless it is empty.

        Outcomes and errors: see :meth:`AccountPort.balances`.
        """
        found = self.balance(_COIN)
        is_empty = found.wallet == found.equity == ZERO_MONEY
        return () if is_empty else (found,)

    def collateral(self) -> tuple[Collateral, ...]:
        """Return that USDT is collateral, and cannot be anything else."""
        return (Collateral(coin=_COIN, is_on=True, may_be_switched=False, value_ratio=ONE),)

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """Return that nothing was ever borrowed."""
        del coin
        return History(rows=(), covers=within)
