"""Signatures and the clock window (Bybit V5, integration guidance).

What is signed is the text as it was sent: the query string undecoded, the body byte for byte.
"""

import hashlib
import hmac
from collections.abc import Mapping

from .accounts import Account, Accounts
from .errors import V5Error

__all__ = [
    "CLOCK_LEAD_MS_MAX",
    "RECV_WINDOW_MS",
    "MissingAuth",
    "authenticate",
    "check_clock",
    "rest_signature",
    "same",
    "ws_signature",
]

CLOCK_LEAD_MS_MAX = 1_000
"""How far a client's clock may be ahead, exclusive; no receive window makes that larger."""
RECV_WINDOW_MS = 5_000
"""The receive window of a request that names none."""

_KEY, _TIME = "X-BAPI-API-KEY", "X-BAPI-TIMESTAMP"
_SIGN, _WINDOW = "X-BAPI-SIGN", "X-BAPI-RECV-WINDOW"


class MissingAuth(Exception):
    """A request without the headers of authentication: the venue answers with HTTP 401."""


def _hmac(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def rest_signature(
    secret: str, *, timestamp: str, key: str, recv_window: str, payload: bytes
) -> str:
    """Return the lowercase hexadecimal HMAC-SHA256 of a REST request."""
    return _hmac(secret, f"{timestamp}{key}{recv_window}".encode() + payload)


def ws_signature(secret: str, *, expires: str) -> str:
    """Return the signature of the ``auth`` operation of a private or trade stream."""
    return _hmac(secret, f"GET/realtime{expires}".encode())


def same(given: str, expected: str) -> bool:
    """Compare two signatures in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def check_clock(*, timestamp: str, recv_window: str, now_ms: int) -> None:
    """Refuse (10002) a timestamp outside ``now - window <= timestamp < now + 1000``.

    Raises:
        V5Error: 10002 for a time outside of it; 10001 for what is no whole number.

    """
    try:
        sent_ms, window_ms = int(timestamp), int(recv_window)
    except ValueError:
        raise V5Error(
            10001,
            f"params error: timestamp {timestamp!r}, recv_window {recv_window!r}: "
            "milliseconds as whole numbers are accepted",
        ) from None
    if not now_ms - window_ms <= sent_ms < now_ms + CLOCK_LEAD_MS_MAX:
        raise V5Error(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )


def authenticate(
    accounts: Accounts, headers: Mapping[str, str], payload: bytes, *, peer: str, now_ms: int
) -> Account:
    """Return the account that signed a REST request.

    Raises:
        MissingAuth: a header is missing.
        V5Error: key (10003), clock (10002), signature (10004) or address (10010) is wrong.

    """
    missing = [name for name in (_KEY, _TIME, _SIGN) if not headers.get(name)]
    if missing:
        raise MissingAuth(f"headers missing: {', '.join(missing)}")
    account = accounts.by_key(headers[_KEY])
    if account is None:
        raise V5Error(10003, "API key is invalid.")
    given_window = headers.get(_WINDOW, "")
    check_clock(
        timestamp=headers[_TIME], recv_window=given_window or str(RECV_WINDOW_MS), now_ms=now_ms
    )
    expected = rest_signature(
        account.spec.secret,
        timestamp=headers[_TIME],
        key=account.key,
        recv_window=given_window,
        payload=payload,
    )
    if not same(headers[_SIGN], expected):
        origin = f"{headers[_TIME]}{account.key}{given_window}{payload.decode(errors='replace')}"
        raise V5Error(10004, f"error sign! origin_string[{origin}]")
    if account.spec.ips and peer not in account.spec.ips:
        raise V5Error(10010, f"Unmatched IP, please check your API key's bound IP: {peer}")
    return account
