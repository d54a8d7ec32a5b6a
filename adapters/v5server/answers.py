"""HTTP answers before they are sent, in the venue's envelope."""

import json
import uuid
from collections.abc import Mapping

import attrs
from aiohttp import web

from .replies import Reply

__all__ = ["Answer", "envelope", "packed", "text_page"]


@attrs.frozen(kw_only=True)
class Answer:
    """An HTTP answer that a fault can still change."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def response(self) -> web.Response:
        """Return the answer for aiohttp."""
        return web.Response(
            body=self.body,
            status=self.status,
            content_type=self.content_type,
            headers=dict(self.headers),
        )


def envelope(reply: Reply, now_ms: int) -> dict[str, object]:
    """Return the envelope that every JSON answer has."""
    return {
        "retCode": reply.code,
        "retMsg": reply.message,
        "result": dict(reply.result),
        "retExtInfo": dict(reply.ext),
        "time": now_ms,
    }


def packed(reply: Reply, now_ms: int) -> Answer:
    """Return a reply as an answer, with the headers that the venue sends."""
    text = json.dumps(envelope(reply, now_ms), separators=(",", ":"))
    headers = {
        **reply.headers,
        "Timenow": str(now_ms),
        "Ret_code": str(reply.code),
        "Traceid": uuid.uuid4().hex,
    }
    return Answer(body=text.encode(), headers=headers)


def text_page(status: int, text: str) -> Answer:
    """Return an answer that is not the venue's envelope."""
    return Answer(body=text.encode(), status=status, content_type="text/plain")
