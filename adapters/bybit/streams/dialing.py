"""The socket below a connection, kept in hand so that it can be freed at once in any state."""

import asyncio
import contextlib
import socket
from typing import Any

from picows.url import WSParsedURL

__all__ = ["Dialler"]


class Dialler:
    """Connects one TCP socket and can cut it at any moment, even in the middle of a handshake.

    All addresses together have ``wait_ms``; each gets its share of what is left, so that a dead one
    leaves time for the others.
    """

    def __init__(self, wait_ms: int) -> None:
        self._wait_s = wait_ms / 1000
        self._socket: socket.socket | None = None

    async def dial(self, url: WSParsedURL) -> socket.socket:
        """Connect to the first address of the host that answers.

        Raises:
            OSError: when no address does; the last address's error.

        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._wait_s
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        trouble: OSError = OSError(f"{url.host} has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(found):
            share_s = (deadline_s - loop.time()) / (len(found) - tried)
            try:
                async with asyncio.timeout(share_s):
                    return await self._connected(socket.socket(family, kind, protocol), address)
            except OSError as error:
                trouble = error
        raise trouble

    async def _connected(self, one: socket.socket, address: Any) -> socket.socket:
        one.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(one, address)
        except BaseException:
            one.close()
            raise
        self._socket = one
        return one

    def cut(self) -> None:
        """Shut the socket down, so that whoever reads it sees the end at once."""
        if self._socket is None:
            return
        # The transport owns the descriptor and frees it when it sees the end; a socket that the
        # other side has cut already cannot be shut down, and needs not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket = None
