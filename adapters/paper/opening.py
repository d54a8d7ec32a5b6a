"""Begin a paper venue, or go on with the one that a store holds."""

from collections.abc import Mapping

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol

from .config import PaperConfig
from .records import Head, PaperPosition
from .state import PaperState
from .store import Opening, PaperStore, StoreOfAnother
from .upgrade import upgrade
from .world import World

__all__ = ["open_world"]


def open_world(
    *,
    instruments: Mapping[Symbol, Instrument],
    fees: FeeRates,
    wallet: Money,
    config: PaperConfig,
    store: PaperStore,
    is_live: bool = False,
) -> World:
    """Return the world of a new store, begun with ``wallet``, or exactly that of an older one.

    ``is_live`` says that a real market feeds it as it happens: items then have no fixed order, so
    a store goes on with the kind of market that it was begun with.

    Raises:
        ValueError: there is no instrument, or the wallet is below zero.
        StoreOfAnother: the store was begun with another wallet, seed, margin mode or kind of
            market, or holds a symbol that ``instruments`` lacks.
        StateCorrupt: the store cannot be trusted; it was left untouched.

    """
    if not instruments:
        raise ValueError("a paper venue needs at least one instrument")
    if wallet < ZERO_MONEY:
        raise ValueError(f"an opening wallet of {wallet} USDT: zero or more is needed")
    opening = Opening(
        wallet=wallet, seed=config.seed, margin_mode=config.margin_mode, is_live=is_live
    )
    before = store.opening()
    if before is None:
        store.begin(opening, Head(wallet=wallet))
    elif before.is_live is not is_live:
        kinds = ("recorded data", "a live market")
        raise StoreOfAnother(
            f"the paper venue's store was begun on {kinds[before.is_live]}, and this session is on "
            f"{kinds[is_live]}; use another state folder for it"
        )
    elif before != opening:
        raise StoreOfAnother(
            f"the paper venue's store was begun with {_apart(before, opening)}; use another store "
            "or state folder, or the values that it was begun with"
        )
    state = _load(store, instruments, config)
    known = dict(instruments)
    # What was replaced while the store was in use stays so, whatever was given at this start.
    known.update((changed.symbol, changed) for changed in store.instruments())
    world = World(instruments=known, fees=fees, config=config, state=state)
    if store.is_older:
        upgrade(world, store)
    state.bars.update(store.market.last_bars())
    state.last_trades.update(store.market.last_trades())
    return world


def _apart(before: Opening, opening: Opening) -> str:
    """Say in words what differs, each as it was and as it is given."""
    pairs = [
        ("wallet", f"{before.wallet} USDT", f"{opening.wallet} USDT"),
        ("seed", before.seed, opening.seed),
        ("margin mode", before.margin_mode.value, opening.margin_mode.value),
    ]
    return " and ".join(f"{name} {was}, not {given}" for name, was, given in pairs if was != given)


def _load(
    store: PaperStore, instruments: Mapping[Symbol, Instrument], config: PaperConfig
) -> PaperState:
    held = {row.symbol: row for row in store.positions()}
    kept = set(held) | {changed.symbol for changed in store.instruments()}
    unknown = sorted(kept - set(instruments))
    if unknown:
        raise StoreOfAnother(
            f"the paper venue's store has {', '.join(unknown)}, which the instruments given lack"
        )
    positions = {
        symbol: held.get(symbol) or _new_position(instruments[symbol], config)
        for symbol in sorted(instruments)
    }
    return PaperState(
        head=store.head(),
        positions=positions,
        books={book.symbol: book for book in store.books()},
        orders={order.number: order for order in store.open_orders()},
        requests={request.number: request for request in store.requests()},
    )


def _new_position(instrument: Instrument, config: PaperConfig) -> PaperPosition:
    leverage = min(config.leverage_default, instrument.leverage_max)
    return PaperPosition(symbol=instrument.symbol, leverage=leverage)
