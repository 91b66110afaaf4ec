"""``kws-train fetch`` against a local HTTP server that can do what real ones do: drop, refuse, resume, lie."""

import errno
import gzip
import hashlib
import http.server
import io
import shutil
import socket
import tarfile
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.data import archives, download, fetch
from kws_training.data.archives import Archive


def make_tar(members) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


NOISE = np.random.default_rng(0).bytes(900_000)  # does not compress: several blocks long
MEMBERS = {"./yes/a_nohash_0.wav": NOISE, "./no/b_nohash_0.wav": b"two", "./validation_list.txt": b""}


class Server:
    """Serves one file; ``behaviour`` is changed by the tests."""

    def __init__(self, data: bytes):
        self.data, self.requests = data, []
        self.ranges = True  # honours Range
        self.drop_after = []  # for the next connections: bytes after which each is cut
        self.status = []  # for the next connections: an error to answer with
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers.get("Range")
                outer.requests.append(wanted)
                if outer.status:
                    self.send_error(outer.status.pop(0))
                    return
                start = int(wanted.split("=")[1].rstrip("-")) if wanted and outer.ranges else 0
                if start and start >= len(outer.data):
                    self.send_error(416)
                    return
                body = outer.data[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(outer.data) - 1}/{len(outer.data)}")
                self.end_headers()
                cut = outer.drop_after.pop(0) if outer.drop_after else len(body)
                self.wfile.write(body[:cut])

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/words.tar.gz"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def archive(self, **changes) -> Archive:
        facts = {"url": self.url, "size_bytes": len(self.data), "sha256": hashlib.sha256(self.data).hexdigest()}
        return Archive(**{**facts, "folder": "words", "unpacked_bytes": 1_000_000, **changes})

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    running = Server(make_tar(MEMBERS))
    yield running
    running.stop()


def run(server, out, **changes):
    return fetch.fetch(server.archive(**changes), out, attempts=2, timeout_s=2, wait_s=0.01)


def assert_whole(folder):
    assert (folder / "yes/a_nohash_0.wav").read_bytes() == NOISE
    assert (folder / "no/b_nohash_0.wav").read_bytes() == b"two"


def test_fetch_downloads_verifies_unpacks_and_does_nothing_the_second_time(server, tmp_path):
    folder, made = run(server, tmp_path / "data")
    assert made and folder == tmp_path / "data" / "words"
    assert_whole(folder)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["words"]
    assert run(server, tmp_path / "data") == (folder, False)
    assert server.requests == [None]


def test_fetch_dropped_connections_are_resumed_where_they_stopped(server, tmp_path):
    server.drop_after = [300_000, 300_000, 100_000]
    folder, _ = run(server, tmp_path)
    assert_whole(folder)
    assert server.requests == [None, "bytes=300000-", "bytes=600000-", "bytes=700000-"]


def test_fetch_without_range_support_starts_again_and_succeeds(server, tmp_path):
    server.ranges, server.drop_after = False, [300_000]
    folder, _ = run(server, tmp_path)
    assert_whole(folder)
    assert server.requests == [None, "bytes=300000-"]


def test_fetch_next_run_continues_from_the_part_on_disk(server, tmp_path):
    server.drop_after = [400_000, 0, 0]
    with pytest.raises(KwsError, match="continues from there"):
        run(server, tmp_path)
    assert (tmp_path / "words.tar.gz.part").stat().st_size == 400_000
    server.requests.clear()
    server.drop_after = []
    assert_whole(run(server, tmp_path)[0])
    assert server.requests == ["bytes=400000-"]


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_fetch_foreign_part_on_disk_ends_in_the_right_files(server, tmp_path, size):
    (tmp_path / "words.tar.gz.part").write_bytes(b"x" * size)
    if size == 10:  # it looks like a good beginning: only the digest tells
        with pytest.raises(KwsError, match="SHA-256"):
            run(server, tmp_path)
    assert_whole(run(server, tmp_path)[0])


def test_fetch_damaged_archive_is_refused_and_removed(server, tmp_path):
    sha256 = hashlib.sha256(server.data).hexdigest()
    server.data = server.data[:1000] + bytes([server.data[1000] ^ 1]) + server.data[1001:]
    with pytest.raises(KwsError, match=f"expected {sha256}"):
        run(server, tmp_path, sha256=sha256)
    assert not list(tmp_path.iterdir())


def test_fetch_other_file_at_the_address_is_refused_before_download(server, tmp_path):
    with pytest.raises(KwsError, match="not the official archive"):
        run(server, tmp_path, size_bytes=12345)
    assert not list(tmp_path.iterdir())


def test_fetch_absent_file_is_one_clear_line_without_retry(server, tmp_path):
    server.status = [404, 404]
    with pytest.raises(KwsError, match="404"):
        run(server, tmp_path)
    assert len(server.requests) == 1


def test_fetch_busy_server_is_tried_again(server, tmp_path):
    server.status = [503]
    assert_whole(run(server, tmp_path)[0])


def test_fetch_no_server_is_one_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        archive = Archive(f"http://127.0.0.1:{taken.getsockname()[1]}/words.tar.gz", 10, "0" * 64, "words", 10)
        with pytest.raises(KwsError, match="refused.*Check the network"):
            fetch.fetch(archive, tmp_path, attempts=2, timeout_s=1, wait_s=0.01)


def test_fetch_silent_server_times_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        archive = Archive(f"http://127.0.0.1:{listening.getsockname()[1]}/words.tar.gz", 10, "0" * 64, "words", 10)
        with pytest.raises(KwsError, match="timed out"):
            fetch.fetch(archive, tmp_path, attempts=1, timeout_s=0.2, wait_s=0.01)


def test_fetch_too_little_room_is_said_before_the_download(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_500_000))
    with pytest.raises(KwsError, match="Make room"):
        run(server, tmp_path)
    assert server.requests == []


def test_fetch_disk_that_fills_up_is_one_clear_line_and_keeps_the_part(server, tmp_path, monkeypatch):
    def full(file, block, room=[300_000]):  # noqa: B006  the list is the disk
        if room[0] < len(block):
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= file.write(block)

    monkeypatch.setattr(download, "_write", full)
    with pytest.raises(KwsError, match="No space left on device"):
        run(server, tmp_path)
    monkeypatch.undo()
    assert_whole(run(server, tmp_path)[0])
    assert server.requests[1].startswith("bytes=2")


@pytest.mark.parametrize(
    "member", [{"../evil.wav": b"x"}, {"/tmp/evil.wav": b"x"}, {"a/../../evil.wav": b"x"}, {"link": None}]
)
def test_fetch_archive_that_leaves_its_folder_is_refused(tmp_path, member):
    server = Server(make_tar({**MEMBERS, **member}))
    try:
        with pytest.raises(KwsError, match="refuses to unpack"):
            run(server, tmp_path / "data")
    finally:
        server.stop()
    assert not list(tmp_path.rglob("evil.wav")) and not (tmp_path / "data/words").exists()


@pytest.mark.parametrize("data", [b"no archive at all", gzip.compress(b"no tar", mtime=0), make_tar(MEMBERS)[:-5000]])
def test_fetch_archive_that_is_not_whole_is_one_clear_line(tmp_path, data):
    server = Server(data)
    try:
        with pytest.raises(KwsError, match="not a whole tar archive"):
            run(server, tmp_path)
    finally:
        server.stop()
    assert not (tmp_path / "words").exists()


def test_fetch_folder_of_somebody_else_is_left_alone(server, tmp_path):
    (tmp_path / "words").mkdir()
    with pytest.raises(KwsError, match="not made by this command"):
        run(server, tmp_path)
    assert server.requests == []


def test_fetch_command_takes_a_mirror_and_reports(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(archives, "ARCHIVES", {"test": server.archive(url="http://official.invalid/words.tar.gz")})
    arguments = ["fetch", "--out", str(tmp_path / "data"), "--mirror", server.url.rsplit("/", 1)[0]]
    assert cli.main(arguments) == 0
    assert "SHA-256 correct" in capsys.readouterr().out
    assert cli.main(arguments) == 0
    assert "already there" in capsys.readouterr().out
    server.status = [404]
    assert cli.main([*arguments[:2], str(tmp_path / "other"), *arguments[3:]]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
