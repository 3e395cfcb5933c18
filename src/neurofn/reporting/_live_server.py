"""The server of the live page: two fixed routes, read-only, and no answer to a page of another host.

Nothing of a request's path reaches the file system: the routes are keys of a table. A page elsewhere that points a name of
its own at this address (DNS rebinding) is refused by the Host header; scripts of other pages cannot read the answers, since
nothing allows them to.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import socketserver
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .._errors import SettingError
from ._live_page import live_page
from ._live_source import Source

__all__ = ["LiveServer"]

SECONDS = 10  # that a client may take over its request
LOCAL = ("localhost", "127.0.0.1", "::1")
HEADERS = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"


class LiveServer(ThreadingHTTPServer):
    """Serves the live page of ``source`` at ``host`` and ``port`` (0: any free one) once `serve_forever` is called.

    Raises SettingError for a port that is taken or not allowed, and for a host that is not of this machine.

    >>> from pathlib import Path
    >>> from neurofn.reporting._live_source import Reading
    >>> with LiveServer(Source(Path("nowhere"), lambda: Reading(())), port=0) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, source: Source, *, host: str = "127.0.0.1", port: int = 8765) -> None:
        self.source, self.host = source, host
        self.page, self.policy = live_page(str(source.path))
        self.names = {name.lower() for name in (*LOCAL, host)}
        if not self.local:
            self.names.add(socket.gethostname().lower())
        if not 0 <= port <= 65535:
            raise SettingError(f"port={port}: give a number from 0 to 65535, for example --port 8765")
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = family
            super().__init__(address[:2], _Handler)  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            raise SettingError(_why(error, host, port)) from error

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host.lower() in LOCAL or (_address(self.host) or ipaddress.ip_address("0.0.0.0")).is_loopback

    @property
    def url(self) -> str:
        """Where the page is."""
        everywhere = self.host in ("", "0.0.0.0", "::")
        host = socket.gethostname() if everywhere else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"

    def server_bind(self) -> None:
        """Bind, without the look-up of names that http.server adds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not told of."""

    def welcomes(self, header: str | None) -> bool:
        """Whether a request with this Host header is meant for this server: a name it was given, or a plain address.

        An address cannot be pointed elsewhere, so one is enough where others may reach the server; the port may be that of a
        tunnel.
        """
        host = (header or "").strip().lower()
        host = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
        return host in self.names or (not self.local and _address(host) is not None)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: LiveServer
    server_version, sys_version = "neurofn", ""
    timeout = SECONDS

    def do_GET(self) -> None:
        if not self.server.welcomes(self.headers.get("Host")):
            self.send_error(HTTPStatus.FORBIDDEN, f"open {self.server.url}")
        elif self.path == "/":
            self._send(self.server.page, "text/html; charset=utf-8", policy=self.server.policy)
        elif self.path == "/data.json":
            self._data()
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "there is only / and /data.json")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _data(self) -> None:
        body, tag = self.server.source.answer()
        if self.headers.get("If-None-Match") == tag:
            self._send(b"", "application/json", status=HTTPStatus.NOT_MODIFIED, extra={"ETag": tag})
        else:
            self._send(body, "application/json", extra={"ETag": tag})

    def _send(
        self,
        body: bytes,
        kind: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        policy: str = NOTHING,
        extra: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        headers = {**HEADERS, "Content-Security-Policy": policy, "Content-Type": kind, **(extra or {})}
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A short text; nothing of the request is in it. http.server calls this too, with 501 for methods other than ours."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        said = message if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) else status.phrase
        self.close_connection = True
        if self.request_version != "HTTP/0.9":  # which knows neither status nor headers
            extra = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
            self._send(f"{status} {said}\n".encode(), "text/plain; charset=utf-8", status=status, extra=extra)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal belongs to the training."""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _why(error: Exception, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program; give another one: --port {port + 1}, or --port 0 for any"
    if number == errno.EACCES:
        return f"port {port} is kept for the system; give one from 1024 on, for example --port 8765"
    return (
        f"host={host!r} is no address of this machine ({error}); give --host 127.0.0.1, or --host 0.0.0.0 for everybody"
    )
