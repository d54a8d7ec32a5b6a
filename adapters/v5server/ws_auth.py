"""Authentication of a private or trade connection (Bybit V5, websocket connect)."""

from .accounts import Account
from .auth import same, ws_signature
from .exchange import Exchange

__all__ = ["AuthRefused", "authenticate"]

EXPIRES_DIGITS_MAX = 20

BAD_PARAMETER, INVALID_KEY, BAD_SIGNATURE, NO_PERMISSION = 10001, 10003, 10004, 10005


class AuthRefused(Exception):
    """Why a connection was not authenticated: the code of the trade stream, and the text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def authenticate(exchange: Exchange, args: object) -> Account:
    """Return the account whose key signed ``GET/realtime`` with an expiry in the future.

    Raises:
        AuthRefused: with the reason; or because a fault says so.

    """
    key, expires_ms, signature = _read(args)
    if exchange.pushes.take_auth_refusal():
        raise AuthRefused(BAD_SIGNATURE, "Authentication failed: refused by a fault")
    account = exchange.accounts.by_key(key)
    if account is None:
        raise AuthRefused(INVALID_KEY, "API key is invalid.")
    now_ms = exchange.clock.now_ms()
    if expires_ms <= now_ms:
        text = f"Params Error: expires {expires_ms} is not after the server's time {now_ms}"
        raise AuthRefused(BAD_PARAMETER, text)
    if not same(signature, ws_signature(account.spec.secret, expires=str(expires_ms))):
        raise AuthRefused(BAD_SIGNATURE, "Error sign, please check your signature generation.")
    return account


def _read(args: object) -> tuple[str, int, str]:
    match args:
        case [str(key), int(expires) | str(expires), str(signature)]:
            text = str(expires)
            if text.isascii() and text.isdigit() and len(text) <= EXPIRES_DIGITS_MAX:
                return key, int(text), signature
        case _:
            pass
    raise AuthRefused(BAD_PARAMETER, "Params Error: args are key, expires in ms, signature")
