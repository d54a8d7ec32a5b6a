"""What the exchange suite needs of a venue under test: the port, and a way to drive its market.

An adapter's author writes one bench and one factory for it, and runs the suite with
``pytest --pyargs tidegate.contracts --exchange package.module:factory``.
"""

import enum
from abc import ABC, abstractmethod

from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Symbol
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import ExchangePort

from .exchange_approval import approve

__all__ = ["Ability", "AbilityMissing", "Drive", "ExchangeBench"]


class Ability(enum.Enum):
    """What a drive may be unable to do; cases that need it are then skipped, with the reason."""

    SIZE = "offering a limited size at the best price"
    ADVANCE = "letting time pass"
    REJECT = "making the venue refuse the next request"
    REJECT_ITEMS = "making the venue refuse some orders of the next batch"
    LOSE_REQUEST = "losing a request on its way"
    LOSE_ANSWER = "losing an answer on its way"
    FAIL_QUERIES = "making queries fail"
    DISCONNECT = "taking the stream down and up"
    HOLD_MESSAGES = "holding messages back"
    REPEAT_MESSAGE = "delivering a message twice"
    REPEAT_FILLED = "telling a filled order twice"
    REORDER = "delivering held messages in another order"
    LIQUIDATE = "liquidating a position"
    FUNDING = "settling funding"
    TRANSFER = "moving money to the account"
    HEDGE_MODE = "switching the account to hedge mode"


class AbilityMissing(Exception):
    """The drive was asked for what it does not declare."""

    def __init__(self, ability: Ability, *, asked: object = None) -> None:
        detail = "" if asked is None else f" (asked for {asked})"
        super().__init__(f"this drive has no way of {ability.value}{detail}")
        self.ability = ability


class Drive(ABC):
    """Makes the venue's market and its faults happen. Only prices are required of every drive.

    Raises:
        AbilityMissing: the bench cannot do what was asked of it, and does not declare it.

    """

    @property
    @abstractmethod
    def abilities(self) -> frozenset[Ability]:
        """What this drive can do beyond setting prices."""

    @abstractmethod
    def price(self, last: Price, *, mark: Price | None = None, size: Qty | None = None) -> None:
        """Let the market trade at ``last``, with bid and ask within a tick of it.

        The mark follows unless ``mark`` is given. ``size`` (base coin) is what is on offer on each
        side (:attr:`Ability.SIZE`); without it there is more than any case needs. After the port
        was closed the market of a venue inside this process may stand still.
        """

    @abstractmethod
    def now_ms(self) -> int:
        """Return the venue's time, UTC milliseconds."""

    @abstractmethod
    def settle(self) -> None:
        """Return when all that was caused so far shows in queries and has reached the sink."""

    def advance(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass at the venue."""
        raise AbilityMissing(Ability.ADVANCE, asked=ms)

    def reject_next(self, reason: RejectReason) -> None:
        """Let the venue refuse the next request for ``reason``."""
        raise AbilityMissing(Ability.REJECT, asked=reason)

    def reject_items(self, places: frozenset[int]) -> None:
        """Let the venue refuse the orders at these places of the next batch, counted from 0."""
        raise AbilityMissing(Ability.REJECT_ITEMS, asked=sorted(places))

    def lose_next_request(self) -> None:
        """Let the next request never arrive, and its sender get no answer."""
        raise AbilityMissing(Ability.LOSE_REQUEST)

    def lose_next_answer(self) -> None:
        """Let the next request take effect, and its sender get no answer."""
        raise AbilityMissing(Ability.LOSE_ANSWER)

    def fail_next_query(self) -> None:
        """Let the next query get no usable answer."""
        raise AbilityMissing(Ability.FAIL_QUERIES)

    def disconnect(self) -> None:
        """Take the private stream down; requests and queries still work."""
        raise AbilityMissing(Ability.DISCONNECT)

    def reconnect(self) -> None:
        """Bring the private stream up again."""
        raise AbilityMissing(Ability.DISCONNECT)

    def hold_messages(self) -> None:
        """Keep messages back until :meth:`release_messages`."""
        raise AbilityMissing(Ability.HOLD_MESSAGES)

    def release_messages(self) -> None:
        """Deliver what was kept back."""
        raise AbilityMissing(Ability.HOLD_MESSAGES)

    def repeat_next_execution(self) -> None:
        """Deliver the next message about an execution twice."""
        raise AbilityMissing(Ability.REPEAT_MESSAGE)

    def repeat_next_filled(self) -> None:
        """Tell the next order that is filled twice, as a venue does after a cancel that lost."""
        raise AbilityMissing(Ability.REPEAT_FILLED)

    def release_reversed(self) -> None:
        """Deliver what was kept back, the newest message first."""
        raise AbilityMissing(Ability.REORDER)

    def liquidate(self) -> None:
        """Make the venue liquidate the position in the bench's symbol, by price or by force."""
        raise AbilityMissing(Ability.LIQUIDATE)

    def pay_funding(self, rate: Rate) -> None:
        """Settle funding at ``rate`` for the bench's symbol, now; it is the coming rate as well."""
        raise AbilityMissing(Ability.FUNDING, asked=rate)

    def transfer(self, amount: Money) -> None:
        """Let ``amount`` of USDT come to the account, or go when it is below zero."""
        raise AbilityMissing(Ability.TRANSFER, asked=amount)

    def switch_to_hedge_mode(self) -> None:
        """Give the account, which is flat, one position for each side of a symbol."""
        raise AbilityMissing(Ability.HEDGE_MODE)


class ExchangeBench(ABC):
    """One fresh account at a venue: flat, without orders, trading at :attr:`start_price`.

    The wallet holds at least 200 times the value of the instrument's smallest order. The suite
    makes a bench for each case and closes it afterwards.
    """

    def __init__(self) -> None:
        self._ids_given = 0

    @property
    @abstractmethod
    def port(self) -> ExchangePort:
        """The adapter under test."""

    @property
    @abstractmethod
    def drive(self) -> Drive:
        """What moves its market."""

    @property
    @abstractmethod
    def instrument(self) -> Instrument:
        """The specification that the venue must report for :attr:`symbol`."""

    @property
    @abstractmethod
    def start_price(self) -> Price:
        """Where the market stands at first; at least 1,000 ticks, on the grid."""

    @property
    def symbol(self) -> Symbol:
        """The symbol that the suite trades."""
        return self.instrument.symbol

    @abstractmethod
    def close(self) -> None:
        """Release everything that the bench holds."""

    def next_client_id(self) -> ClientId:
        """Return a client id that the account has never seen; override it for a lasting account."""
        self._ids_given += 1
        return ClientId(f"contract-{self._ids_given}")

    def approve(self, order: OrderRequest) -> Approved:
        """Have ``order`` approved under limits that only forbid nonsense."""
        return approve(
            order,
            venue=self.port.kind,
            instrument=self.instrument,
            price=self.start_price,
            now_ms=self.drive.now_ms(),
        )
