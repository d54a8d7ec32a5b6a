"""From a request and the settings to a served venue: which market data, at which pace, for whom."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from tidegate.domain.money import Price
from tidegate.ports.commands import BadInput, VenueRequest
from tidegate.ports.feed import Feed
from tidegate.ports.venue_server import VenueServerPort

from .instruments import instrument_of
from .market_data import demo_feed, user_feed
from .settings import Settings
from .settings_bybit import is_loopback
from .venue_accounts import DEFAULT_ACCOUNTS, AccountSettings, load_accounts
from .venue_server import ServedVenue, VenueServerSettings

__all__ = ["prepare_venue"]

_DEMO_BARS_MAX = 20_111
_DEMO_SPEED = Decimal(3_600)
_PRICE = Price.of(60_000)
_PORT_MAX = 65_535


def prepare_venue(request: VenueRequest, settings: Settings) -> VenueServerPort:
    """Return a venue that can be started.

    Raises:
        BadInput: with every reason why it cannot be served.
        FeedError: the market data cannot be used.
        CatalogueError: the instrument is not known, or its file cannot be used.

    """
    problems = [*_problems(request)]
    if problems:
        raise BadInput(problems)
    return ServedVenue(
        VenueServerSettings(
            instrument=instrument_of(settings),
            fees=settings.costs.fees,
            accounts=_accounts(request),
            paper=settings.paper,
            price=_PRICE if request.price is None else request.price,
            feed=_feed(request, settings),
            speed=_speed(request),
            host=request.host,
            port=request.port,
            allow_remote=request.allow_remote,
            tls_cert=_path(request.tls_cert),
            tls_key=_path(request.tls_key),
            folder=_path(request.where.state),
        )
    )


def _problems(request: VenueRequest) -> Sequence[str]:
    found = []
    if request.data is not None and request.is_demo_feed:
        found.append("both a file and the bundled data were named; accepted: one of them")
    if not 0 <= request.port <= _PORT_MAX:
        found.append(f"port {request.port}; accepted: 1 to {_PORT_MAX}, or 0 for any free one")
    if (request.tls_cert is None) != (request.tls_key is None):
        found.append("a certificate and its key belong together; accepted: both, or neither")
    if _is_remote(request):
        if not request.allow_remote:
            found.append(
                f"host {request.host!r} is reached by other machines; accepted: 127.0.0.1, or "
                "any address together with --allow-remote"
            )
        elif request.accounts is None:
            found.append(
                "the secrets of the ready accounts are known to everybody; accepted beside "
                "--allow-remote: a file of accounts of your own (--accounts)"
            )
    return found


def _is_remote(request: VenueRequest) -> bool:
    host = f"[{request.host}]" if ":" in request.host else request.host
    return request.host != "localhost" and not is_loopback(f"http://{host}")


def _accounts(request: VenueRequest) -> tuple[AccountSettings, ...]:
    if request.accounts is None:
        return DEFAULT_ACCOUNTS
    return load_accounts(Path(request.accounts).expanduser())


def _feed(request: VenueRequest, settings: Settings) -> Feed | None:
    if request.is_demo_feed:
        return demo_feed(symbol=settings.symbol, bars=_DEMO_BARS_MAX)
    if request.data is None:
        return None
    path = Path(request.data).expanduser()
    return user_feed(data=path, funding=None, mark=None, symbol=settings.symbol)


def _speed(request: VenueRequest) -> Decimal:
    """Return the pace: as recorded, but an hour of the bundled hourly bars in a second."""
    if request.speed is not None:
        return request.speed.value
    return _DEMO_SPEED if request.is_demo_feed else Decimal(1)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()
