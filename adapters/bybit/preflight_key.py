"""What an API key tells about itself (Bybit V5, user/query-api), judged before trading."""

import datetime as dt
from collections.abc import Iterator

from tidegate.ports.preflight import Check, Finding, Severity

from .preflight_rules import PreflightRules
from .wire.records import ApiKey

__all__ = ["judge_key"]

_MANAGE = "in the account's API management"
_DAY_S = 86_400
_EPOCH_YEAR = 1970


def judge_key(key: ApiKey, rules: PreflightRules, now_ms: int) -> Iterator[Finding]:
    """Yield what the key may do, whether it may withdraw, and how long it lives."""
    yield _permissions(key)
    yield _withdrawal(key, rules)
    yield _life(key, rules, now_ms)


def _permissions(key: ApiKey) -> Finding:
    if key.is_read_only:
        return Finding(
            check=Check.PERMISSIONS,
            is_ok=False,
            what="the API key is read-only: it can send no order and no stop",
            remedy=f"make a read-write key with contract orders and positions {_MANAGE}",
        )
    needed = (("Order", key.may_order), ("Position", key.may_move_positions))
    missing = [name for name, is_granted in needed if not is_granted]
    if missing:
        return Finding(
            check=Check.PERMISSIONS,
            is_ok=False,
            what=f"the API key lacks contract permissions: {', '.join(missing)}",
            remedy=f"grant Order and Position under contract trading {_MANAGE}",
        )
    what = "the API key may trade contracts: orders, positions"
    return Finding(check=Check.PERMISSIONS, is_ok=True, what=what)


def _withdrawal(key: ApiKey, rules: PreflightRules) -> Finding:
    if not key.may_withdraw:
        return Finding(check=Check.WITHDRAWAL, is_ok=True, what="the API key may not withdraw")
    is_taken = rules.allow_withdrawal_permission or not rules.is_live
    return Finding(
        check=Check.WITHDRAWAL,
        is_ok=False,
        severity=Severity.WARNING if is_taken else Severity.FAILURE,
        what="the API key may withdraw money",
        remedy=f"make a key without that permission {_MANAGE}: nothing here needs it "
        "(bybit.allow_withdrawal_permission takes it all the same)",
    )


def _life(key: ApiKey, rules: PreflightRules, now_ms: int) -> Finding:
    try:
        days = _days_left(key, now_ms)
    except ValueError:
        return Finding(
            check=Check.KEY_LIFE,
            is_ok=False,
            severity=Severity.WARNING,
            what=f"when the API key expires cannot be read: {key.expires!r}",
            remedy=f"see {_MANAGE} how long it lasts",
        )
    if days is not None and days < rules.key_days_left_min:
        return Finding(
            check=Check.KEY_LIFE,
            is_ok=False,
            severity=Severity.WARNING if days > 0 else Severity.FAILURE,
            what=f"the API key expires in {days} days"
            if days > 0
            else "the API key has expired, or expires today",
            remedy=f"renew it {_MANAGE}, or bind it to this machine's address: then it lasts",
        )
    if not key.bound_ips:
        lasts = "" if days is None else f" and expires in {days} days"
        return Finding(
            check=Check.KEY_LIFE,
            is_ok=False,
            severity=Severity.WARNING,
            what=f"the API key works from any address{lasts}",
            remedy=f"bind it to this machine's address {_MANAGE}: an unbound key ends in 90 days",
        )
    return Finding(check=Check.KEY_LIFE, is_ok=True, what="the API key is bound to an address")


def _days_left(key: ApiKey, now_ms: int) -> int | None:
    """Return whole days to ``expiredAt``; ``None`` for a key that does not expire.

    Only an unbound key has an expiry (user/query-api); nothing, or the year 1970, stands for none.

    Raises:
        ValueError: the text is no time.

    """
    if key.expires is None:
        return None
    at = dt.datetime.fromisoformat(key.expires)
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    if at.year <= _EPOCH_YEAR:
        return None
    return int((at.timestamp() - now_ms / 1_000) // _DAY_S)
