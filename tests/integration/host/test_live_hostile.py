"""`kws-host live` among those who mean it no good: other sites, other names, and WebSockets that break every rule."""

import contextlib
import http.client
import json
import random
import socket
import struct
import threading
import time

import numpy as np
import pytest
from kws_host.live import server as server_module
from kws_host.live import wire
from kws_host.live.board import Source
from kws_host.live.server import LiveServer
from kws_host.target import Target
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from wsproto import events

from tests.support import clip_files, firmware, live
from tests.support.waiting import until
from tests.support.web_socket import Refused, WebSocketClient

AUDIO, RESET = MessageType.AUDIO, bytes([MessageType.RESET, 1, 0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page's folder beside a file that is nobody's business."""
    parent = tmp_path_factory.mktemp("site")
    (parent / "secret.txt").write_text("secret")
    (parent / "page").mkdir()
    (parent / "page" / "index.html").write_text("<!doctype html><title>page</title>")
    (parent / "page" / "app.js").write_text("export const x = 1;")
    (parent / "page" / "way_out").symlink_to(parent / "secret.txt")
    return parent / "page"


@pytest.fixture(scope="module")
def served(program, folder):
    with firmware.running(program) as board, live.serving(Target(port=board.url), page=folder) as port:
        yield port


def _ask(port: int, *lines: str) -> tuple[int, dict[str, str], str]:
    """Sends a request as it stands. Returns status, header and body."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


def _still_works(port: int) -> None:
    """Asserts that a page is served as ever."""
    with live.Page(port) as page:
        page.wait_ready()
        page.reset()
        assert [step.step for step in page.stream(clip_files.word()).steps] == list(range(49))


# Who may ask.


def test_page_is_served_with_headers_that_bind_it(served):
    status, header, body = _ask(served, "GET /?device=server HTTP/1.1", f"Host: 127.0.0.1:{served}")
    assert status == 200 and "<title>page" in body
    policy = header["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ")
    assert f"connect-src 'self' ws://127.0.0.1:{served} ws://localhost:{served}" in policy
    assert "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
    assert header["x-content-type-options"] == "nosniff"
    assert header["cross-origin-resource-policy"] == header["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in header
    status, header, _ = _ask(served, "GET /nothing HTTP/1.1", f"Host: localhost:{served}")
    assert status == 404 and "content-security-policy" in header


def test_bare_address_leads_to_the_servers_own_device(served):
    status, header, _ = _ask(served, "GET / HTTP/1.1", f"Host: 127.0.0.1:{served}")
    assert (status, header["location"]) == (307, "/?device=server")
    status, _, body = _ask(served, "GET /models/index.json HTTP/1.1", f"Host: 127.0.0.1:{served}")
    assert (status, json.loads(body)) == (200, {"models": []})


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:{port}"],
        ["127.0.0.1"],
        ["127.0.0.1:1"],
        ["127.0.0.1:{port}.evil.example"],
        ["localhost.evil.example:{port}"],
        ["evil.example@127.0.0.1:{port}"],
        ["0.0.0.0:{port}"],
        ["[::1]:{port}"],
        [""],
        [],
        ["127.0.0.1:{port}", "evil.example"],
    ],
)
@pytest.mark.parametrize("path", ["/", "/app.js", "/live"])
def test_request_for_another_host_is_refused(served, hosts, path):
    lines = [f"Host: {host.format(port=served)}" for host in hosts]
    status, _, body = _ask(served, f"GET {path} HTTP/1.{1 if hosts else 0}", *lines)
    assert status in (400, 403) and "export" not in body and "<title>" not in body
    if status == 403:
        assert body.startswith(f"This server answers to 127.0.0.1:{served} and localhost:{served} alone.")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"]
)
def test_request_of_another_origin_is_refused(served, origin):
    own, origin = f"127.0.0.1:{served}", origin.format(port=served)
    status, _, body = _ask(served, "GET /app.js HTTP/1.1", f"Host: {own}", f"Origin: {origin}")
    assert status == 403 and "its own page alone" in body
    with pytest.raises(Refused, match="its own page alone") as refusal:
        WebSocketClient(served, origin=origin)
    assert refusal.value.status == 403


def test_web_socket_of_another_host_or_without_an_origin_is_refused(served):
    for words in ({"host": f"evil.example:{served}"}, {"origin": None}):
        with pytest.raises(Refused) as refusal:
            WebSocketClient(served, **words)
        assert refusal.value.status == 403
    with pytest.raises(Refused):
        WebSocketClient(served, path="/other")
    WebSocketClient(served, host=f"localhost:{served}", origin=f"http://localhost:{served}").close()


def test_server_listens_on_the_loopback_interface_alone(served):
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{served:04X}")]
    assert listening == [f"0100007F:{served:04X}"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/x/../../secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/.%00./secret.txt",
        "/app.js%00.html",
        "/way_out",
        "/models/../../secret.txt",
        "/models/..%2f..%2fsecret.txt",
        "/%ff%fe",
        "/" + "a" * 5000,
        "/" + "%2e%2e/" * 500,
    ],
)
def test_path_that_leads_out_of_the_page_is_refused(served, path):
    status, _, body = _ask(served, f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{served}")
    assert status in (400, 404) and "secret" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "x"])
def test_method_that_no_page_uses_is_refused(served, method):
    status, _, _ = _ask(served, f"{method} /app.js HTTP/1.1", f"Host: 127.0.0.1:{served}", "Content-Length: 0")
    assert status in (400, 404, 405)


# What a page may send.


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "at least 3 bytes"),
        ("{}", "Received: text"),
        (bytes([MessageType.TEST_FAULT, 0, 0]) + messages.TestFault().encode(), "AUDIO and RESET alone"),
        (bytes([MessageType.RESTART, 0, 0]) + messages.Restart().encode(), "AUDIO and RESET alone"),
        (struct.pack("<BHI", AUDIO, 1, 0), "1 to 4096 samples"),
        (struct.pack("<BHI", AUDIO, 1, 0) + bytes(3), "1 to 4096 samples"),
        (struct.pack("<BHI", AUDIO, 1, 2) + bytes(2), "must go on at 0. Received: 2"),
    ],
)
def test_message_against_the_rules_ends_the_connection_with_a_line(served, data, what):
    with live.Page(served) as page:
        page.wait_ready()
        page.reset()
        page.socket.send(data)
        while page.listen():
            pass
        assert page.socket.code == 1008 and len(page.notes) == 1 and what in page.notes[0]
    _still_works(served)


def test_audio_beyond_the_credit_ends_the_connection(served):
    with live.Page(served) as page:
        page.wait_ready()
        page.reset()
        with contextlib.suppress(OSError):
            for _ in range(200):
                page.audio(bytes(8192))
        while page.listen():
            pass
        assert "until CREDIT grants more" in page.notes[-1]
    _still_works(served)


def test_garbage_after_the_handshake_ends_the_connection(served):
    rng = random.Random(1)
    pieces = [bytes(rng.randrange(256) for _ in range(200)) for _ in range(30)]
    pieces += [
        b"\x82\x03abc",
        b"\xf2\x80\0\0\0\0",
        b"\x80\x80\0\0\0\0",
        b"\x89\xfe\0\x7e" + bytes(130),
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    for piece in pieces:
        with WebSocketClient(served) as client, contextlib.suppress(OSError):
            client.socket.sendall(piece)
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
    _still_works(served)


def test_huge_message_is_refused_before_it_has_come(served):
    frames = [
        struct.pack(">BBQ", 0x82, 0xFF, 1 << 40) + bytes(4),  # one frame
        struct.pack(">BBH", 0x02, 0xFE, 4096) + bytes(4 + 4096),  # then more of it, for ever
    ]
    for head in frames:
        with WebSocketClient(served) as client:
            sent = 0
            with contextlib.suppress(OSError):
                client.socket.sendall(head)
                while sent < 1 << 25:
                    part = bytes(4096) if head is frames[0] else struct.pack(">BBH", 0x00, 0xFE, 4096) + bytes(4 + 4096)
                    client.socket.sendall(part)
                    sent += len(part)
            assert sent < 1 << 23  # the connection was ended early
    _still_works(served)


def test_flood_of_messages_ends_the_connection(served):
    with WebSocketClient(served) as client:
        flood = b"".join(client.bytes_of(events.Message(data=RESET)) for _ in range(20000))
        with contextlib.suppress(OSError):
            client.socket.sendall(flood)
            while client.receive() is not None:
                pass
            assert client.code == 1008
    _still_works(served)


def test_pings_that_nobody_reads_the_answers_to_are_not_taken_any_more(served):
    client = WebSocketClient(served, timeout_s=1.0)
    pings = b"\x89\xfd" + bytes(4) + bytes(125)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 1 << 28:
            client.socket.sendall(pings * 500)
            sent += 500 * len(pings)
    assert sent < 1 << 27  # the wire is full, and not the server's memory
    client.close()
    _still_works(served)


def test_page_that_does_not_read_is_given_up_and_leaves_its_seat(program, folder, monkeypatch, caplog, tmp_path):
    """The board hears by a microphone of its own: its steps come whether the page reads, or asks for them, or not."""
    listen = server_module._listen

    def with_a_small_buffer(port: int) -> socket.socket:
        """What is sent to a page that does not read is not to vanish in the system's buffer of megabytes."""
        listener = listen(port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return listener

    monkeypatch.setattr(server_module, "_listen", with_a_small_buffer)
    np.tile(clip_files.noise(1), 60).astype("<i2").tofile(tmp_path / "heard.pcm")
    given_up = "The page does not read what it is sent."
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        with live.serving(Target(port=board.url), Source.BOARD, folder) as port:
            slow = live.Page(port, receive_bytes=4096)
            slow.wait_ready()
            slow.reset()
            until(lambda: given_up in caplog.text, "the page was never given up")
            with live.Page(port) as page:
                page.wait_ready()
            slow.socket.close()


def test_page_that_answers_no_ping_leaves_its_seat(program, folder, monkeypatch):
    monkeypatch.setattr(server_module, "PING_S", 0.2)
    with firmware.running(program) as board, live.serving(Target(port=board.url), page=folder) as port:
        with live.Page(port) as silent:
            silent.wait_ready()
            _still_works(port)  # waits for the seat


def test_connections_that_ask_nothing_are_ended_and_too_many_are_refused(program, folder, monkeypatch):
    monkeypatch.setattr("kws_host.live.connections.REQUEST_TIMEOUT_S", 0.5)
    monkeypatch.setattr("kws_host.live.connections.MOST_CONNECTIONS", 20)
    with firmware.running(program) as board, live.serving(Target(port=board.url), page=folder) as port:
        idle = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(40)]
        with pytest.raises(ConnectionError):  # or the socket's own deadline, if nobody ended it
            idle[0].sendall(b"GET / HTTP/1.1\r\nHost: ")
            for _ in range(2000):
                idle[0].sendall(b"a")
                time.sleep(0.005)
        for connection in idle[1:]:
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1) == b""
        _still_works(port)


def test_header_without_end_is_refused(served):
    with socket.create_connection(("127.0.0.1", served), 10) as connection, contextlib.suppress(OSError):
        sent = 0
        while sent < 1 << 25:
            connection.sendall(b"X-Header: " + b"a" * 4000 + b"\r\n")
            sent += 4000
        assert sent < 1 << 24
    _still_works(served)


def test_many_pages_at_once_get_one_seat_and_leave_the_server_sound(served):
    counts = {"seated": 0, "refused": 0}
    lock = threading.Lock()

    def visit() -> None:
        with live.Page(served) as page:
            while not page.board and page.listen():
                pass
            with lock:
                counts["seated" if page.board else "refused"] += 1
            if page.board:
                time.sleep(2.5)  # longer than a newcomer waits

    visitors = [threading.Thread(target=visit) for _ in range(12)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert counts == {"seated": 1, "refused": 11}
    _still_works(served)


def test_page_folder_without_a_page_is_refused(tmp_path):
    with pytest.raises(server_module.KwsError, match="no index.html"):
        LiveServer(None, page=tmp_path)  # type: ignore[arg-type]


def test_limits_leave_room_for_what_the_kits_page_sends():
    assert wire.MAX_AUDIO_BYTES <= wire.WINDOW_BYTES
