"""``tidegate venue``."""

import enum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from tidegate.domain.money import Price, Rate
from tidegate.ports.commands import CommandsPort, VenueRequest, Where
from tidegate.ports.venue_server import VenueServerPort

from . import parsing
from .exits import Exit
from .machine import as_json
from .options import SETTING_VARIABLES, SETTINGS_FILE, ConfigOption, JsonOption, epilog
from .output import machine_out, page, reported
from .signals import stop_on_signals

__all__ = ["add_venue"]


class _Feed(enum.StrEnum):
    """Bundled market data, as the command line names it."""

    DEMO = "demo"


_PortOption = Annotated[
    int, typer.Option(metavar="N", min=0, max=65_535, help="Port to listen on; 0: any free one.")
]
_HostOption = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address to listen on; others than this machine's need --allow-remote.",
    ),
]
_RemoteOption = Annotated[
    bool,
    typer.Option("--allow-remote", help="Let other machines reach it; needs --accounts."),
]
_DataOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="CSV file of bars that move the market.")
]
_FeedOption = Annotated[
    _Feed | None, typer.Option(help="Bundled data instead of a file: hourly bars of 2017 to 2019.")
]
_SpeedOption = Annotated[
    Rate | None,
    typer.Option(
        metavar="X",
        parser=parsing.speed,
        help="Pace of the data: 1 as recorded, 2 twice as fast, 0 without a pause.",
        show_default="1; 3600 for the bundled data",
    ),
]
_PriceOption = Annotated[
    Price | None,
    typer.Option(
        metavar="PRICE",
        parser=parsing.price,
        help="Where the market stands without data, USDT.",
        show_default="60000",
    ),
]
_SymbolOption = Annotated[
    str | None,
    typer.Option(metavar="SYMBOL", help="What is traded.", show_default="the settings' own"),
]
_AccountsOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="TOML file with accounts.", show_default="two ready ones"),
]
_CertOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Certificate (PEM): serve TLS; needs --tls-key.")
]
_KeyOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Private key to the certificate (PEM).")
]
_StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder to keep the accounts in, and to go on from.",
        show_default="a temporary folder",
    ),
]


def add_venue(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the served venue."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.VENUE,
            examples=(
                "tidegate venue --feed demo --port 8080",
                "tidegate venue --price 65000 --state venue1 --json",
            ),
            files=(("account-ID.sqlite", "in --state, the books of one account"), SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def venue(
        port: _PortOption = 0,
        host: _HostOption = "127.0.0.1",
        allow_remote: _RemoteOption = False,
        data: _DataOption = None,
        feed: _FeedOption = None,
        speed: _SpeedOption = None,
        price: _PriceOption = None,
        symbol: _SymbolOption = None,
        accounts: _AccountsOption = None,
        tls_cert: _CertOption = None,
        tls_key: _KeyOption = None,
        state: _StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Serve a simulated exchange over Bybit's V5 protocol.

        REST and streams. It tells where it listens and its accounts with their keys, and serves
        until it is stopped; where data ends, the last prices stand.

        For trying out any client of Bybit's without keys and without its network: tidegate itself
        in mode demo, testnet or live, or another library. Money, orders and positions are
        simulated; several accounts trade on one market. Needs the extra: tidegate[venue].

        Ctrl-C and SIGTERM end it; a second signal exits at once.
        """
        request = VenueRequest(
            data=data,
            is_demo_feed=feed is _Feed.DEMO,
            speed=speed,
            price=price,
            symbol=None if symbol is None else parsing.symbol(symbol),
            accounts=accounts,
            host=host,
            port=port,
            allow_remote=allow_remote,
            tls_cert=tls_cert,
            tls_key=tls_key,
            where=Where(state=state, config=config),
        )
        with stop_on_signals() as stopper, reported():
            served = commands.venue(request)
            try:
                served.start()
                _announce(served, is_json=is_json)
                stopper.attach(served.stop)
                served.run()
            finally:
                served.close()


def _announce(served: VenueServerPort, *, is_json: bool) -> None:
    if is_json:
        machine_out(_document(served))
    else:
        _show(page(), served)


def _document(served: VenueServerPort) -> str:
    accounts = [
        {"key": account.key, "secret": account.secret, "wallet": account.wallet}
        for account in served.accounts
    ]
    addresses = {"rest_url": served.rest_url, "ws_url": served.ws_url}
    return as_json({"title": served.title, **addresses, "accounts": accounts})


def _show(console: Console, served: VenueServerPort) -> None:
    console.print(f"[bold]tidegate venue[/]  {escape(served.title)}")
    console.print(f"REST     {served.rest_url}", soft_wrap=True)
    console.print(f"Streams  {served.ws_url}", soft_wrap=True)
    for account in served.accounts:
        console.print(
            f"Account  key {escape(account.key)}, secret {escape(account.secret)}, "
            f"{account.wallet} USDT",
            soft_wrap=True,
        )
    first = served.accounts[0]
    console.print("To look at it with tidegate, in another terminal:")
    console.print(
        f"  TIDEGATE_BYBIT_KEY={escape(first.key)} TIDEGATE_BYBIT_SECRET={escape(first.secret)} "
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK=true "
        f"TIDEGATE_BYBIT__REST_URL={served.rest_url} TIDEGATE_BYBIT__WS_URL={served.ws_url} "
        "tidegate doctor --mode testnet",
        soft_wrap=True,
    )
    console.print("[dim]Ctrl-C ends it.[/]")
    console.file.flush()
