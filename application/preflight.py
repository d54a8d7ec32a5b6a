"""The check list before trading: what is known here first, then what the venue is asked.

A failed check of what is here leaves the venue's checks out only where they cannot be made.
"""

from collections.abc import Callable, Iterator

from tidegate.adapters.catalogue import CatalogueError
from tidegate.domain.mode import TradingMode
from tidegate.ports.preflight import Check, Finding, PreflightPort, Severity

from .instruments import instrument_of
from .settings import Settings
from .settings_bybit import OrderEntry, Region
from .stores import look_at_state

__all__ = ["BYBIT_MODES", "Checklist", "look_at_instrument", "look_at_settings"]

BYBIT_MODES = frozenset({TradingMode.DEMO, TradingMode.TESTNET, TradingMode.LIVE})
"""The modes whose orders go to Bybit."""

_VENUE_CHECKS = tuple(
    check for check in Check if check not in {Check.SETTINGS, Check.STATE_STORE, Check.KEYS_PRESENT}
)


class Checklist(PreflightPort):
    """Every check of one desk.

    ``keys`` says why there is no usable API key, ``None`` where there is one. ``venue`` builds the
    checks that ask the venue; it is called only with a key and with settings that agree, and what
    it opened is closed by whoever made it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        keys: Callable[[], str | None],
        venue: Callable[[], PreflightPort],
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._venue = venue

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        """See :meth:`PreflightPort.run`."""
        here = [look_at_settings(self._settings), look_at_state(self._settings)]
        if self._settings.mode not in BYBIT_MODES:
            return (*here, look_at_instrument(self._settings))
        here.append(self._keys_present())
        lacking = [f.check for f in here if not f.is_ok and f.check in _NEEDED_BY_VENUE]
        if lacking:
            return (*here, *(_skipped(check, lacking[0]) for check in _VENUE_CHECKS))
        return (*here, *self._venue().run(is_fixing=is_fixing))

    def _keys_present(self) -> Finding:
        trouble = self._keys()
        if trouble is None:
            return Finding(check=Check.KEYS_PRESENT, is_ok=True, what="an API key and its secret")
        return Finding(
            check=Check.KEYS_PRESENT,
            is_ok=False,
            what=trouble,
            remedy="set TIDEGATE_BYBIT_KEY and TIDEGATE_BYBIT_SECRET in the environment, or store "
            f"key and secret in the system keyring under {self._settings.bybit.keyring_service!r}",
        )


_NEEDED_BY_VENUE = frozenset({Check.SETTINGS, Check.KEYS_PRESENT})


def _skipped(check: Check, because: Check) -> Finding:
    return Finding(
        check=check,
        is_ok=False,
        severity=Severity.SKIPPED,
        what=f"not looked at: {because.value} failed",
        remedy=f"mend {because.value} first",
    )


def look_at_settings(settings: Settings) -> Finding:
    """Tell whether the settings agree with each other and with the venue of their mode."""
    faults = [*_faults(settings)]
    if not faults:
        return Finding(check=Check.SETTINGS, is_ok=True, what="they agree with each other")
    return Finding(
        check=Check.SETTINGS,
        is_ok=False,
        what="; ".join(what for what, _ in faults),
        remedy="; ".join(remedy for _, remedy in faults),
    )


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    allowed = settings.limits.symbols_allowed
    if allowed is not None and settings.symbol not in allowed:
        yield (
            f"symbol {settings.symbol} is not among limits.symbols_allowed: no entry would pass",
            "add it there, or trade one of them",
        )
    bybit, mode = settings.bybit, settings.mode
    if mode is TradingMode.DEMO and bybit.order_entry is OrderEntry.STREAM:
        yield (
            "bybit.order_entry is stream, and demo trading has no order stream",
            "set bybit.order_entry to rest",
        )
    if not bybit.streams and bybit.order_entry is OrderEntry.STREAM:
        yield (
            "bybit.order_entry is stream, and bybit.streams is false",
            "set bybit.order_entry to rest, or bybit.streams to true",
        )
    if bybit.region is not Region.GLOBAL and mode in {TradingMode.DEMO, TradingMode.TESTNET}:
        yield (
            f"bybit.region is {bybit.region.value}, and mode {mode.value} has one host only",
            f"set bybit.region to {Region.GLOBAL.value}",
        )


def look_at_instrument(settings: Settings) -> Finding:
    """Tell whether the symbol has a specification, for the venues that are not asked for one."""
    try:
        spec = instrument_of(settings)
    except CatalogueError as error:
        return Finding(
            check=Check.INSTRUMENT,
            is_ok=False,
            what=str(error),
            remedy="name a TOML file with it: instruments_path",
        )
    what = f"{spec.symbol} is known, tick {spec.tick}, step {spec.qty_step}"
    return Finding(check=Check.INSTRUMENT, is_ok=True, what=what)
