"""What streams need to be told: addresses, a signer, deadlines and bounds. All times in ms."""

from typing import Protocol

import attrs

__all__ = ["ConnectionLimits", "RetryLimits", "Signer", "StreamConfig", "StreamHosts"]


class StreamHosts(Protocol):
    """Where the streams are. ``trade_url`` is ``None`` where the venue has no order-entry stream.

    Demo trading has none, and its public data comes from the main net's host (Bybit V5, demo
    trading).
    """

    @property
    def public_url(self) -> str:
        """The stream of market data."""

    @property
    def private_url(self) -> str:
        """The stream of the account."""

    @property
    def trade_url(self) -> str | None:
        """The stream that takes orders."""


class Signer(Protocol):
    """Whatever can sign the authentication of a stream without showing its secret."""

    def auth_args(self, expires_ms: int) -> tuple[str, int, str]:
        """Return key, expiry and signature over ``GET/realtime`` and the expiry (Bybit V5)."""


def _above_zero(_: object, attribute: "attrs.Attribute[int]", value: int | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"{attribute.name} is {value}; accepted: a whole number above zero")


@attrs.frozen(kw_only=True)
class ConnectionLimits:
    """Deadlines of one connection.

    ``ping_every_ms`` is the venue's own advice (Bybit V5, connect: every 20 s). A pong that is
    missing for ``pong_wait_ms`` ends the connection; so does ``silence_ms_max`` without any pushed
    message, where that is not ``None`` (private streams are silent by right).
    """

    connect_wait_ms: int = attrs.field(default=5_000, validator=_above_zero)
    answer_wait_ms: int = attrs.field(default=5_000, validator=_above_zero)
    ping_every_ms: int = attrs.field(default=20_000, validator=_above_zero)
    pong_wait_ms: int = attrs.field(default=5_000, validator=_above_zero)
    silence_ms_max: int | None = attrs.field(default=None, validator=_above_zero)
    auth_lead_ms: int = attrs.field(default=10_000, validator=_above_zero)
    frame_bytes_max: int = attrs.field(default=10_485_760, validator=_above_zero)


@attrs.frozen(kw_only=True)
class RetryLimits:
    """How connections are tried again.

    The pause doubles from ``pause_ms_min`` to ``pause_ms_max`` with each failure in a row, and half
    of it is random. A connection that was up for ``stable_ms`` ends the row. All streams of one hub
    together make at most ``connections_max`` connections within ``window_ms``, well below the
    venue's 500 within five minutes for each address (Bybit V5, connect).

    Raises:
        ValueError: a limit that is not above zero, or ``pause_ms_max`` below ``pause_ms_min``.

    """

    pause_ms_min: int = attrs.field(default=250, validator=_above_zero)
    pause_ms_max: int = attrs.field(default=30_000, validator=_above_zero)
    stable_ms: int = attrs.field(default=10_000, validator=_above_zero)
    connections_max: int = attrs.field(default=200, validator=_above_zero)
    window_ms: int = attrs.field(default=300_000, validator=_above_zero)

    def __attrs_post_init__(self) -> None:
        if self.pause_ms_max < self.pause_ms_min:
            raise ValueError(
                f"pause_ms_max is {self.pause_ms_max}; accepted: at least pause_ms_min, "
                f"{self.pause_ms_min}"
            )


@attrs.frozen(kw_only=True)
class StreamConfig:
    """Everything about streams that may be set.

    ``value_age_ms_max``: from which age on a value is no longer fresh. ``public_silence_ms_max``:
    how long a public stream may push nothing before it is replaced. ``trade_pending_max``: how many
    order requests may wait for an answer; more are not sent. ``arms_disconnect_cancel`` subscribes
    to ``dcp.future``, which arms the venue's disconnect-cancel-all for an account that has it.
    """

    connection: ConnectionLimits = ConnectionLimits()
    retry: RetryLimits = RetryLimits()
    value_age_ms_max: int = attrs.field(default=5_000, validator=_above_zero)
    public_silence_ms_max: int | None = attrs.field(default=60_000, validator=_above_zero)
    close_wait_ms: int = attrs.field(default=5_000, validator=_above_zero)
    arms_disconnect_cancel: bool = False
    trade_drain_ms: int = attrs.field(default=5_000, validator=_above_zero)
    trade_pending_max: int = attrs.field(default=1_000, validator=_above_zero)
    trade_recv_window_ms: int = attrs.field(default=5_000, validator=_above_zero)
