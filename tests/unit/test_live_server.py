"""The server of the live page: two routes for those it knows, nothing for anybody else; and the commands watch and diagnose."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from _diagnosed import CASES, curve, flat, grow, neurons, record
from _page import HOSTILE, Elements
from neurofn._errors import SettingError
from neurofn._watch_command import _Records
from neurofn.cli import main
from neurofn.reporting._live_data import snapshot
from neurofn.reporting._live_page import live_page
from neurofn.reporting._live_server import LiveServer
from neurofn.reporting._live_source import Reading, Source

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SECONDS = 30.0


@contextmanager
def serving(source: Source, **given: Any) -> Iterator[LiveServer]:
    with LiveServer(source, port=0, **given) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    grow(tmp_path / "run", 5)
    with serving(Source(tmp_path / "run", _Records(tmp_path / "run"))) as made:
        yield made


def ask(server: LiveServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    link = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=SECONDS)
    try:
        link.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        link.close()


def test_the_two_routes(server: LiveServer) -> None:
    status, headers, body = ask(server, "/")
    policy = headers["Content-Security-Policy"]
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "frame-ancestors 'none'" in policy
    assert b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in body
    status, headers, body = ask(server, "/data.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["steps"] == [5, 5]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Python" not in headers["Server"]


def test_what_did_not_change_is_not_sent_again(server: LiveServer) -> None:
    tag = ask(server, "/data.json")[1]["ETag"]
    assert ask(server, "/data.json", If_None_Match=tag)[::2] == (304, b"")
    assert ask(server, "/data.json", If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize("path", ["/", "/data.json", "/nothing"])
def test_head_is_get_without_the_body(server: LiveServer, path: str) -> None:
    status, headers, body = ask(server, path, "HEAD")
    expected = ask(server, path)
    assert (status, headers["Content-Length"], body) == (expected[0], expected[1]["Content-Length"], b"")


@pytest.mark.parametrize("path", ["/x", "/../etc/passwd", "/data.json/..", "/run", "/data.json?path=/etc/passwd", "/%2e%2e/",
                                  "http://127.0.0.1/", "/<script>"])  # fmt: skip
def test_no_other_path_is_answered(server: LiveServer, path: str) -> None:
    status, headers, body = ask(server, path)
    assert status == 404
    assert b"script" not in body
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "<b>"])
def test_it_can_only_be_read(server: LiveServer, method: str) -> None:
    status, headers, body = ask(server, "/", method)
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"405 Method Not Allowed\n")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[evil]",
                                  "192.168.0.9", "user@localhost"])  # fmt: skip
def test_a_page_of_another_name_is_refused(server: LiveServer, host: str) -> None:
    assert ask(server, "/data.json", Host=host)[0] == 403
    assert ask(server, "/", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8765", "[::1]:8765"])
def test_the_names_of_this_machine_are_welcome(server: LiveServer, host: str) -> None:
    assert ask(server, "/data.json", Host=host)[0] == 200


def test_a_request_that_is_none_harms_nobody(server: LiveServer) -> None:
    for sent in (b"\0\xff\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70_000, b""):
        with socket.create_connection(server.server_address[:2], timeout=SECONDS) as link:  # type: ignore[arg-type]
            link.sendall(sent)
            link.shutdown(socket.SHUT_WR)
            while link.recv(4096):
                pass
    assert ask(server, "/")[0] == 200


def test_open_to_others_it_wants_an_address_or_its_own_name(tmp_path: Path) -> None:
    source = Source(tmp_path, lambda: Reading(()))
    with serving(source, host="0.0.0.0") as made:
        assert not made.local
        assert ask(made, "/", Host="192.168.0.9:1")[0] == 200
        assert ask(made, "/", Host=socket.gethostname())[0] == 200
        assert ask(made, "/", Host="evil.example")[0] == 403


def test_a_port_that_is_taken_and_other_wrong_places_are_told(server: LiveServer) -> None:
    taken = server.server_address[1]
    with pytest.raises(SettingError, match=f"port {taken} of 127.0.0.1 is taken.*--port {taken + 1}"):
        LiveServer(server.source, port=taken)
    with pytest.raises(SettingError, match="from 0 to 65535"):
        LiveServer(server.source, port=70_000)
    with pytest.raises(SettingError, match="no address of this machine"):
        LiveServer(server.source, host="192.0.2.1", port=0)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_texts(text: str) -> None:
    page, _ = live_page(text)
    shown = Elements(page.decode())
    assert [tag for tag, _ in shown.tags].count("script") == 1
    assert not any(name.startswith("on") or name == "style" for _, attributes in shown.tags for name in attributes)
    told = snapshot(record(curve(text, text, text, flat(1.0)) + neurons(text, text, [1.0, 2.0])).series())
    assert told["layers"][0]["site"] == text


def test_the_script_never_reads_text_as_anything_else() -> None:
    script = (REPOSITORY / "src" / "neurofn" / "reporting" / "live.js").read_text(encoding="utf-8")
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", ".style"):
        assert forbidden not in script


# --- The commands -----------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "neurofn", "watch", "--serve", str(tmp_path / "later"), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert "http://127.0.0.1:" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out, error = running.communicate(timeout=SECONDS)
    finally:
        running.kill()
    assert (running.returncode, error) == (0, "")
    assert "Stopped." in out


def test_the_command_tells_of_a_port_that_is_taken(server: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--serve", "x", "--port", str(server.server_address[1])]) == 2
    assert "is taken by another program" in capsys.readouterr().err


def test_diagnose_prints_writes_and_tells_by_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = record(CASES["dead layer"][0][0]).save(tmp_path / "bad\x1b.npz")
    assert main(["diagnose", str(bad), "--out", str(tmp_path / "out.html")]) == 1
    out = capsys.readouterr().out
    assert "ALARM  The layer '1' is dead" in out
    assert "\x1b" not in out
    assert "What to try" in (tmp_path / "out.html").read_text(encoding="utf-8")
    good = record(CASES["dead layer"][0][1]).save(tmp_path / "good.npz")
    assert main(["diagnose", str(good)]) == 0
    assert "nothing to say" in capsys.readouterr().out
    assert main(["diagnose", str(tmp_path / "none")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_serving_loads_no_torch() -> None:
    code = ("import sys, neurofn._watch_command, neurofn.reporting._live_server, neurofn.reporting.diagnosis, "
            "neurofn.watching.record; sys.exit(any(n in sys.modules for n in ('torch', 'scipy', 'altair')))")  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
