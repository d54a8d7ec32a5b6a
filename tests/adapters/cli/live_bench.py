"""``tidegate run`` and ``tidegate venue``, each in a process of its own, on one clock.

The venue is moved over its control interface: prices, outages and minutes that pass at once. A desk
is started on a clock that is as far ahead as the venue's, so that a bar closes when a test wants.
"""

import hashlib
import hmac
import json
import queue
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from .running import start

__all__ = ["MINUTE_MS", "STRATEGY", "Desk", "Doc", "LiveVenue"]

Doc = dict[str, Any]
MINUTE_MS = 60_000
WAIT_S = 60
STRATEGY = '''
from pathlib import Path

from tidegate.domain.money import Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import RiskFraction, RungSpec, Signal, StopPercent
from tidegate.ports.strategy import Exit, StrategyPort


class InAndOut(StrategyPort):
    """Enter at one close, leave at the next; with ``fault`` fail instead. Notes each decision."""

    def __init__(self, fault: str = "") -> None:
        self._fault = fault

    @property
    def window(self) -> int:
        return 3

    def decide(self, bars, view):
        if self._fault:
            raise ValueError(self._fault)
        name = str(bars[-1].start_ms)
        with Path("decided").open("a") as notes:
            notes.write(f"{name}\\n")
        if view.position.side is not None:
            return Exit(signal_id=f"out-{name}", symbol=view.symbol, reason="a bar later")
        return Signal(
            signal_id=f"in-{name}",
            symbol=view.symbol,
            side=Side.BUY,
            sizing=RiskFraction(Rate.of("0.005")),
            stop=StopPercent(Rate.of("0.02")),
            ladder=(RungSpec(Rate.of(2), Rate.of("0.5")),),
            leverage=Rate.of(3),
        )
'''
"""A module for the present folder: named by a user, imported by the command line."""


class LiveVenue:
    """A served venue with some minutes of history. Leaving it ends its process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "in_and_out.py").write_text(STRATEGY, encoding="utf-8")

    def __enter__(self) -> Self:
        self._process = start("venue", "--json", "--price", "65000", home=self.home, env={})
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline()]
        while lines[-1] not in ("}\n", ""):
            lines.append(self._process.stdout.readline())
        said = json.loads("".join(lines))
        self.rest_url, self.ws_url = said["rest_url"], said["ws_url"]
        self._account = said["accounts"][0]
        for price in ("65010", "65020", "65030", "65040"):
            self.act("advance", ms=MINUTE_MS)
            self.price(price)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=WAIT_S)

    def act(self, name: str, **arguments: object) -> Any:
        """Use the venue's control interface."""
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            f"{self.rest_url}/control/{name}",
            data=json.dumps(arguments).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["result"]

    def price(self, last: str) -> None:
        """Move the market."""
        self.act("price", symbol="BTCUSDT", last=last)

    def now_ms(self) -> int:
        """Return the venue's time."""
        return int(self.act("now_ms"))

    def decided_ms(self) -> list[int]:
        """Return the start of every bar that strategies of this folder decided on, in order."""
        notes = (self.home / "decided").read_text(encoding="utf-8")
        return [int(line) for line in notes.splitlines()]

    def before_the_next_bar(self, left_ms: int) -> None:
        """Let time pass until so much is left of the present minute."""
        passed_ms = self.now_ms() % MINUTE_MS
        self.act("advance", ms=(MINUTE_MS - left_ms - passed_ms) % MINUTE_MS)

    def close_a_bar(self) -> None:
        """Let a minute pass at once."""
        self.act("advance", ms=MINUTE_MS)
        self.price("65050")

    def ask(self, path: str, query: str) -> list[Doc]:
        """Return the rows of a signed query, as another client of the account would see them."""
        stamp, key = str(self.now_ms()), self._account["key"]
        text = f"{stamp}{key}5000{query}".encode()
        sign = hmac.new(self._account["secret"].encode(), text, hashlib.sha256).hexdigest()
        headers = {
            "X-BAPI-API-KEY": key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-SIGN": sign,
            "X-BAPI-RECV-WINDOW": "5000",
        }
        request = urllib.request.Request(f"{self.rest_url}{path}?{query}", headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            body = json.load(answer)
        assert body["retCode"] == 0, body
        return list(body["result"]["list"])

    def position(self) -> Doc:
        """Return the venue's own row of the position."""
        (row,) = self.ask("/v5/position/list", "category=linear&symbol=BTCUSDT")
        return row

    def orders(self) -> list[Doc]:
        """Return the open orders at the venue."""
        return self.ask("/v5/order/realtime", "category=linear&symbol=BTCUSDT")

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment in which a desk reaches this venue."""
        return {
            "TIDEGATE_BYBIT_KEY": self._account["key"],
            "TIDEGATE_BYBIT_SECRET": self._account["secret"],
            **self.address(),
            "TIDEGATE_LIMITS__CLOCK_LEAD_MS_MAX": "3600000",
            "TIDEGATE_STRATEGY__LATE_MS_MAX": "40000",
            "TIDEGATE_LIMITS__LOSS_COOLDOWN_MS": "0",
            "TIDEGATE_BYBIT__POLL_DOWN_MS": "200",
            "TIDEGATE_BYBIT__RECONNECT_DELAY_MS_MAX": "250",
            **more,
        }

    def address(self) -> dict[str, str]:
        """Return the settings that lead here."""
        return {
            "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
            "TIDEGATE_BYBIT__REST_URL": self.rest_url,
            "TIDEGATE_BYBIT__WS_URL": self.ws_url,
        }

    def desk(
        self,
        *options: str,
        mode: str = "testnet",
        is_for_a_person: bool = False,
        **settings: str,
    ) -> "Desk":
        """Start a desk on bars of one minute, with machine output; its state is in ``state``."""
        arguments = self.arguments(mode=mode, is_for_a_person=is_for_a_person)
        return Desk([*arguments, *options], self.home, self.env(**settings), self.ahead_ms())

    def ahead_ms(self) -> int:
        """Return how far the venue's clock is ahead of the machine's."""
        return self.now_ms() - time.time_ns() // 1_000_000

    def arguments(self, *, mode: str, is_for_a_person: bool = False) -> list[str]:
        """Return how a desk is started."""
        command = ["run", "--mode", mode, "--bar-minutes", "1", "--state", "state"]
        command += [] if is_for_a_person else ["--json"]
        strategy = ["--strategy", "in_and_out:InAndOut"]
        return [*command, *strategy]


class Desk:
    """One process of ``tidegate run``. Leaving it ends the process, whatever it does."""

    def __init__(
        self, arguments: list[str], home: Path, env: Mapping[str, str], ahead_ms: int
    ) -> None:
        self.process = start(
            *arguments, home=home, env={"PYTHONPATH": str(home), **env}, ahead_ms=ahead_ms
        )
        self.docs: list[Doc] = []
        self.told: list[str] = []
        self.trouble: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_trouble, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_trouble(self) -> None:
        assert self.process.stderr is not None
        self.trouble.extend(self.process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        for reader in self._readers:
            reader.join(WAIT_S)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def until_text(self, words: str) -> None:
        """Wait for words in what a person is told."""
        while words not in self.text():
            line = self._lines.get(timeout=WAIT_S)
            assert line is not None, f"the desk ended before: {words}; {self.text()}"
            self.told.append(line)

    def text(self) -> str:
        """Return what a person was told so far, on one line."""
        while not self._lines.empty():
            line = self._lines.get()
            self.told += [] if line is None else [line]
        return " ".join(" ".join(self.told).split())

    def until(self, holds: Callable[[Doc], bool], what: str) -> Doc:
        """Return the first document from here on for which ``holds`` is true."""
        give_up = time.monotonic() + WAIT_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, give_up - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not within {WAIT_S} s: {what}; {self._told()}") from None
            assert line is not None, f"the desk ended before: {what}; {self._told()}"
            self.docs.append(json.loads(line))
            if holds(self.docs[-1]):
                return self.docs[-1]

    def until_event(self, kind: str) -> Doc:
        """Return the next event of a kind."""
        return self.until(lambda doc: doc.get("kind") == kind, kind)

    def _told(self) -> str:
        return f"it told {[doc.get('kind', doc['type']) for doc in self.docs]}, {self.trouble[-3:]}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Doc:
        """Send a signal, and return the last document; the exit code is that of the signal."""
        self.process.send_signal(number)
        last = self.until(lambda doc: doc["type"] == "stopped", "stopped")
        assert self.process.wait(WAIT_S) == 128 + number
        assert last["signal"] == number.name
        return last

    def kinds(self) -> list[str]:
        """Return the kinds of the events that were told so far."""
        return [doc["kind"] for doc in self.docs if doc["type"] == "event"]
