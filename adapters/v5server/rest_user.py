"""Endpoints about a key, its limits and the coin (Bybit V5, user, apilimit, asset)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from .errors import V5Error
from .limits import ORDER_LIMIT_MAX
from .reading import bad
from .replies import Reply
from .routes import Call, PrivateRoute
from .text import COIN

__all__ = ["USER_ROUTES"]

_UNBOUND_DAYS = 90
_CREATED = "2026-01-01T00:00:00Z"
_NEVER = "1970-01-01T00:00:00Z"
_LIMIT_ADMIN_REFUSED = 3500002
_PERMISSION_GROUPS = (
    "ContractTrade",
    "Spot",
    "Wallet",
    "Options",
    "Derivatives",
    "CopyTrading",
    "BlockTrade",
    "Exchange",
    "NFT",
    "Affiliate",
    "Earn",
    "FiatP2P",
)


def _query_api(call: Call) -> Reply:
    """Return what the key may do; a key without an address of its own expires."""
    spec = call.account.spec
    granted = dict(spec.permissions)
    groups = (*_PERMISSION_GROUPS, *granted)
    return Reply(
        result={
            "id": str(spec.uid),
            "note": "loopback",
            "apiKey": spec.key,
            "readOnly": int(spec.is_read_only),
            "secret": "",
            "permissions": {group: list(granted.get(group, ())) for group in groups},
            "ips": list(spec.ips) or ["*"],
            "type": 1,
            "deadlineDay": -2 if spec.ips else _UNBOUND_DAYS,
            "expiredAt": _NEVER if spec.ips else _expiry(call.now_ms),
            "createdAt": _CREATED,
            "uta": 1,
            "userID": spec.uid,
            "vipLevel": "No VIP" if spec.level.name == "DEFAULT" else spec.level.name,
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
            "inviterID": 0,
        }
    )


def _expiry(now_ms: int) -> str:
    moment = datetime.fromtimestamp(now_ms // 1_000, UTC) + timedelta(days=_UNBOUND_DAYS)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _limit_row(call: Call) -> dict[str, object]:
    return {
        "uids": str(call.account.uid),
        "bizType": "DERIVATIVES",
        "rate": call.account.level.value,
    }


def _limit_query(call: Call) -> Reply:
    asked = [uid for uid in call.params.need("uids").split(",") if uid]
    if asked != [str(call.account.uid)]:
        raise bad(f"uids {','.join(asked)}: a key sees its own {call.account.uid} only")
    return Reply(result={"list": [_limit_row(call)]})


def _limit_query_all(call: Call) -> Reply:
    return Reply(result={"list": [_limit_row(call)], "nextPageCursor": ""})


def _limit_query_cap(call: Call) -> Reply:
    row = {
        "bizType": "DERIVATIVES",
        "totalRate": str(call.account.level.value),
        "insCap": str(ORDER_LIMIT_MAX),
        "uidCap": str(ORDER_LIMIT_MAX),
    }
    return Reply(result={"list": [row]})


def _limit_set(_: Call) -> Reply:
    raise V5Error(_LIMIT_ADMIN_REFUSED, "only institutions set their limits")


def _coin_info(call: Call) -> Reply:
    """Return the one coin, which can be neither deposited nor withdrawn here."""
    chain = {
        "chainType": "loopback",
        "chain": "LOOP",
        "confirmation": "0",
        "withdrawFee": "0",
        "depositMin": "0",
        "withdrawMin": "0",
        "minAccuracy": "6",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "0",
    }
    row = {"name": COIN, "coin": COIN, "remainAmount": "0", "chains": [chain]}
    wanted = call.params.text("coin", COIN)
    return Reply(result={"rows": [row] if wanted == COIN else []})


USER_ROUTES: Mapping[str, PrivateRoute] = MappingProxyType(
    {
        "/v5/user/query-api": PrivateRoute(act=_query_api),
        "/v5/apilimit/query": PrivateRoute(act=_limit_query, is_in_demo=False),
        "/v5/apilimit/query-all": PrivateRoute(act=_limit_query_all, is_in_demo=False),
        "/v5/apilimit/query-cap": PrivateRoute(act=_limit_query_cap, is_in_demo=False),
        "/v5/apilimit/set": PrivateRoute(act=_limit_set, method="POST", is_in_demo=False),
        "/v5/asset/coin/query-info": PrivateRoute(act=_coin_info),
    }
)
