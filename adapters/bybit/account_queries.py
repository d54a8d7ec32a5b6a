"""Queries of the account over REST: position mode, tiers, coins, collateral, interest.

Methods raise ``QueryFailed`` and ``Unreadable``, and return nothing partial.
"""

from tidegate.domain.instrument import RiskTier
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from .history import covered, scope
from .paging import all_rows, windows
from .rest import Call, Lane, RestClient
from .wire.accounts import borrowing, coin_balance, collateral, position_mode
from .wire.fields import Row
from .wire.instruments import risk_tiers
from .wire.requests import CATEGORY

__all__ = ["AccountQueries"]

_BORROWINGS_LIMIT = 50
_BORROWINGS_SPAN_MS = 30 * 86_400_000
"""The longest time that one query of interest may span (Bybit V5 account/borrow-history)."""


class AccountQueries:
    """What the account is set to and holds, beyond its balances in USDT.

    Raises:
        QueryFailed: the venue gave no usable answer.
        Unreadable: the answer cannot be understood.

    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def position_mode(self, symbol: Symbol) -> PositionMode:
        """Return the mode of a symbol, from the rows that it has also while flat.

        Outcomes and errors: see :meth:`AccountPort.position_mode`.
        """
        rows, _ = all_rows(self._rest, Call.POSITIONS, scope(symbol))
        own = [row for row in rows if row.fields.get("symbol") == symbol]
        return position_mode(own)

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """Return the tiers of a symbol, smallest first.

        Outcomes and errors: see :meth:`AccountPort.risk_tiers`.
        """
        params = {"category": CATEGORY, "symbol": symbol}
        rows, _ = all_rows(self._rest, Call.RISK_LIMITS, params)
        own = [row.fields for row in rows if row.fields.get("symbol") == symbol]
        if not own:
            raise QueryFailed(f"the venue has no risk tiers of {symbol}")
        return risk_tiers(own)

    def balance(self, coin: str) -> CoinBalance:
        """Return one coin; one that the answer does not hold is no zero, but an error.

        Outcomes and errors: see :meth:`AccountPort.balance`.
        """
        for row in self._coins({"coin": coin}):
            if row.fields.get("coin") == coin:
                return coin_balance(row.fields)
        raise QueryFailed(f"get_wallet_balance: the answer holds no coin {coin!r}")

    def balances(self) -> tuple[CoinBalance, ...]:
        """Return every coin that is not empty.

        Outcomes and errors: see :meth:`AccountPort.balances`.
        """
        read = (coin_balance(row.fields) for row in self._coins({}))
        return tuple(coin for coin in read if coin.wallet.sign or coin.equity.sign)

    def _coins(self, asked: dict[str, str]) -> tuple[Row, ...]:
        params = {"accountType": "UNIFIED", **asked}
        rows, _ = all_rows(self._rest, Call.WALLET, params)
        if not rows:
            raise QueryFailed("get_wallet_balance: the answer holds no account")
        return rows[0].rows("coin")

    def collateral(
        self, coin: str | None = None, *, lane: Lane = Lane.READS
    ) -> tuple[Collateral, ...]:
        """Return every coin that can be collateral, or the one that is named.

        Outcomes and errors: see :meth:`AccountPort.collateral`.
        """
        params = {} if coin is None else {"currency": coin}
        rows, _ = all_rows(self._rest, Call.COLLATERAL, params, lane=lane)
        return tuple(collateral(row.fields) for row in rows)

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """Return interest within the range, ascending; the venue keeps two years.

        Outcomes and errors: see :meth:`AccountPort.borrowings`.
        """
        covers = covered(within, self._rest.clock.now_ms())
        found: list[Borrowing] = []
        for window in windows(covers, span_ms=_BORROWINGS_SPAN_MS):
            asked: dict[str, object] = {} if coin is None else {"currency": coin}
            asked |= {"startTime": str(window.start_ms), "endTime": str(window.end_ms)}
            rows, _ = all_rows(self._rest, Call.BORROWINGS, asked, limit=_BORROWINGS_LIMIT)
            found += (borrowing(row.fields) for row in reversed(rows))
        inside = (row for row in found if covers.start_ms <= row.time_ms <= covers.end_ms)
        return History(
            rows=tuple(sorted(inside, key=lambda row: row.time_ms)),
            covers=covers,
            is_complete=covers == within,
        )
