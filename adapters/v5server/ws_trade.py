"""Order entry over WebSocket, ``/v5/trade``: the dialect with ``retMsg``, ``connId``, ``reqId``.

Source: Bybit V5, websocket trade guideline. One argument in each request, no signature but that of
the connection, answers that only acknowledge.
"""

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never
from uuid import uuid4

from tidegate.ports.exchange import QueryFailed, VenueError

from .accounts import Account
from .auth import RECV_WINDOW_MS, check_clock
from .errors import V5Error
from .exchange import Exchange
from .faults import AnswerCode, CutBody, Drop, Hang, HttpStatus, RequestFault, SlowBody, Stage
from .market import MarketMissing
from .operations import BUCKETS, Reply, run
from .ws_auth import BAD_PARAMETER, NO_PERMISSION, AuthRefused, authenticate
from .ws_session import Session

__all__ = ["TradeDialog"]

Message = Mapping[str, object]

REQ_ID_LENGTH_MAX = 36
REQ_IDS_MAX = 100_000
"""Request ids remembered on one connection; the oldest are forgotten."""

_OK = 0
_NOT_AUTHORISED, _SERVER_ERROR = 10007, 10016
_UNKNOWN, _BUSY, _IP_LIMIT = 10404, 10429, 10403
_REPEATED_AUTH, _DUPLICATE_REQ_ID = 20001, 20006
_STATUS_CODES = MappingProxyType({403: _IP_LIMIT, 429: _BUSY})


class TradeDialog:
    """One client of the trade stream."""

    def __init__(self, session: Session, exchange: Exchange) -> None:
        self._session = session
        self._exchange = exchange
        self._account: Account | None = None
        self._req_ids: OrderedDict[str, None] = OrderedDict()

    def handle(self, message: Message) -> None:
        """Answer one message."""
        match message.get("op"):
            case "ping":
                self._pong()
            case "auth":
                self._authenticate(message)
            case _:
                self._request(message)

    def _send(self, frame: Message, *, more_ms: int = 0) -> None:
        self._session.send(frame, delay_ms=self._exchange.pushes.ack_delay_ms + more_ms)

    def _pong(self) -> None:
        frame = {
            "retCode": _OK,
            "retMsg": "OK",
            "op": "pong",
            "data": [str(self._exchange.clock.now_ms())],
            "connId": self._session.conn_id,
        }
        self._send(frame)

    def _authenticate(self, message: Message) -> None:
        code, text = _OK, "OK"
        if self._account is not None:
            code, text = _REPEATED_AUTH, "Repeat auth"
        else:
            try:
                self._account = _not_a_demo(authenticate(self._exchange, message.get("args")))
                self._session.account_key = self._account.key
            except AuthRefused as refused:
                code, text = refused.code, refused.message
        self._send({"retCode": code, "retMsg": text, "op": "auth", "connId": self._session.conn_id})

    # Requests

    def _request(self, message: Message) -> None:
        try:
            account, params = self._checked(message)
        except V5Error as error:
            self._answer(message, _reply_of(error))
            return
        operation = str(message["op"])
        fault = self._exchange.faults.take_trade(operation)
        if fault is not None and fault.stage is Stage.BEFORE and not _is_late(fault):
            self._suffer(message, fault, Reply())
            return
        late_ms = fault.action.ms if fault and isinstance(fault.action, SlowBody) else 0
        reply = self._run(account, operation, params, late_ms=late_ms)
        if fault is None:
            self._answer(message, reply)
        else:
            self._suffer(message, fault, reply)

    def _checked(self, message: Message) -> tuple[Account, Message]:
        """Return who asks and for what; the operation itself checks the rest."""
        operation = message.get("op")
        if not isinstance(operation, str) or operation not in BUCKETS:
            accepted = ", ".join(BUCKETS)
            raise V5Error(_UNKNOWN, f"op {operation!r} is unknown; accepted: {accepted}")
        self._check_req_id(message.get("reqId"))
        if self._account is None:
            raise V5Error(_NOT_AUTHORISED, "User authentication failed: send auth first")
        self._check_clock(message.get("header"))
        return self._account, _one_argument(message.get("args"))

    def _check_req_id(self, given: object) -> None:
        if given in (None, ""):
            return
        if not isinstance(given, str) or len(given) > REQ_ID_LENGTH_MAX:
            text = f"reqId {given!r}: a text of at most {REQ_ID_LENGTH_MAX} characters is accepted"
            raise V5Error(BAD_PARAMETER, text)
        if given in self._req_ids:
            raise V5Error(_DUPLICATE_REQ_ID, f"Duplicate reqId: {given}")
        self._req_ids[given] = None
        if len(self._req_ids) > REQ_IDS_MAX:
            self._req_ids.popitem(last=False)

    def _check_clock(self, header: object) -> None:
        """Apply the clock rule of REST to the time in a request's header (text or number)."""
        fields = header if isinstance(header, dict) else {}
        check_clock(
            timestamp=_milliseconds(fields.get("X-BAPI-TIMESTAMP"), "X-BAPI-TIMESTAMP"),
            recv_window=_milliseconds(
                fields.get("X-BAPI-RECV-WINDOW") or RECV_WINDOW_MS, "X-BAPI-RECV-WINDOW"
            ),
            now_ms=self._exchange.clock.now_ms(),
        )

    def _run(self, account: Account, operation: str, params: Message, *, late_ms: int) -> Reply:
        pushes = self._exchange.pushes
        keeps_behind = pushes.is_ack_first and late_ms == 0
        with pushes.behind(pushes.ack_delay_ms if keeps_behind else 0):
            try:
                return run(self._exchange, account, operation, params)
            except V5Error as error:
                return _reply_of(error)
            except (MarketMissing, QueryFailed) as error:
                return Reply(code=BAD_PARAMETER, message=f"params error: {error}")
            except VenueError as error:
                return Reply(code=_SERVER_ERROR, message=f"Internal error: {error}")

    def _answer(self, message: Message, reply: Reply, *, more_ms: int = 0) -> None:
        req_id = message.get("reqId")
        now_ms = self._exchange.clock.now_ms()
        frame = {
            **({"reqId": req_id} if isinstance(req_id, str) and req_id else {}),
            "retCode": reply.code,
            "retMsg": reply.message,
            "op": message.get("op", ""),
            "data": dict(reply.result),
            "retExtInfo": dict(reply.ext),
            "header": {**reply.headers, "Traceid": uuid4().hex, "Timenow": str(now_ms)},
            "connId": self._session.conn_id,
        }
        self._send(frame, more_ms=more_ms)

    def _suffer(self, message: Message, fault: RequestFault, reply: Reply) -> None:
        match fault.action:
            case AnswerCode(code, text, headers):
                self._answer(message, Reply(code=code, message=text, headers=headers))
            case HttpStatus(status):
                code = _STATUS_CODES.get(status, _SERVER_ERROR)
                self._answer(message, Reply(code=code, message=f"HTTP status {status}"))
            case SlowBody(ms):
                self._answer(message, reply, more_ms=ms)
            case Hang():
                return
            case Drop() | CutBody():
                self._session.abort()
            case other:
                assert_never(other)


def _not_a_demo(account: Account) -> Account:
    """Refuse a demo account: it has no trade stream (Bybit V5, demo trading)."""
    if account.spec.is_demo:
        raise AuthRefused(NO_PERMISSION, "Permission denied: a demo account has no trade stream")
    return account


def _is_late(fault: RequestFault) -> bool:
    return isinstance(fault.action, SlowBody)


def _reply_of(error: V5Error) -> Reply:
    return Reply(
        code=error.code,
        message=error.message,
        result=error.result,
        ext=error.ext,
        headers=error.headers,
    )


def _one_argument(args: object) -> Message:
    match args:
        case [dict() as params]:
            if params.get("category") != "linear":
                text = f"category {params.get('category')!r} is not served here; linear is"
                raise V5Error(_UNKNOWN, text)
            return params
        case _:
            raise V5Error(BAD_PARAMETER, "args: a list of exactly one object is accepted")


def _milliseconds(value: object, name: str) -> str:
    text = str(value)
    is_number = isinstance(value, int | str) and not isinstance(value, bool)
    if not is_number or not text.isascii() or not text.isdigit():
        raise V5Error(BAD_PARAMETER, f"header {name} is {value!r}; milliseconds are accepted")
    return text
