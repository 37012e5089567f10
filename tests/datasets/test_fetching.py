"""Files from a server that is not always there."""

import hashlib
import shutil
from collections import namedtuple

import pytest
from web_server import serve

from objwrappers.datasets import fetching
from objwrappers.datasets.fetching import (
    RemoteFile,
    bytes_to_fetch,
    check_space,
    fetch_file,
    fetch_json,
)

CONTENT = bytes(range(256)) * 40  # 10,240 bytes
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(fetching, "_PAUSE_S", 0)
    monkeypatch.setattr(fetching, "_CHUNK_BYTES", 1024)
    with serve() as running:
        running.files["/a"] = CONTENT
        yield running


@pytest.fixture
def remote(server):
    return RemoteFile("a.zip", f"{server.url}/a", len(CONTENT), MD5)


def ranges(server):
    return [asked for _, asked in server.requests]


def test_a_file_is_fetched_once(server, remote, tmp_path):
    came = []
    assert bytes_to_fetch(remote, tmp_path) == len(CONTENT)
    path = fetch_file(remote, tmp_path, came.append)
    assert path == tmp_path / "a.zip" and path.read_bytes() == CONTENT
    assert sum(came) == len(CONTENT) and [*tmp_path.iterdir()] == [path]
    assert bytes_to_fetch(remote, tmp_path) == 0
    path.write_bytes(CONTENT[:-1] + b"x")
    assert bytes_to_fetch(remote, tmp_path) == len(CONTENT)


def test_a_cut_file_is_gone_on_with(server, remote, tmp_path):
    server.cuts = [3000, 2000]
    assert fetch_file(remote, tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=3000-", "bytes=5000-"]


def test_another_run_goes_on(server, remote, tmp_path):
    server.cuts = [1000, 0, 0, 0, 0]
    with pytest.raises(ConnectionError, match=r"cut off 5 times, at last at 1,000 of 10,240 bytes"):
        fetch_file(remote, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip.part"]
    assert bytes_to_fetch(remote, tmp_path) == len(CONTENT) - 1000
    assert fetch_file(remote, tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000-"


@pytest.mark.parametrize(("knows_ranges", "shift"), [(False, 0), (True, 1)])
def test_a_server_that_gives_another_range_is_read_from_the_start(
    server, remote, tmp_path, knows_ranges, shift
):
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:4000])
    server.knows_ranges, server.shift = knows_ranges, shift
    if shift:
        server.files["/a"] = CONTENT[:4000] + CONTENT  # what 4000 and later of it are, is all
    came = []
    assert fetch_file(remote, tmp_path, came.append).read_bytes() == CONTENT
    assert came[0] == -4000 and sum(came) == len(CONTENT) - 4000


def test_a_part_that_is_too_long_or_refused_is_begun_anew(server, remote, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT + b"more")
    assert fetch_file(remote, tmp_path).read_bytes() == CONTENT
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:-1])
    server.files["/a"] = CONTENT[:-2]
    with pytest.raises(ConnectionError, match="was cut off 5 times"):
        fetch_file(remote, tmp_path)
    assert ranges(server)[1:3] == ["bytes=10239-", None]


def test_a_whole_part_is_only_checked(server, remote, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert fetch_file(remote, tmp_path).read_bytes() == CONTENT and not server.requests


def test_a_wrong_checksum_leaves_nothing(server, remote, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(b"x" * 5000)
    with pytest.raises(ValueError, match=f"another content than announced .* instead of {MD5}"):
        fetch_file(remote, tmp_path)
    assert not [*tmp_path.iterdir()]
    assert fetch_file(remote, tmp_path).read_bytes() == CONTENT


def test_more_than_announced(server, remote, tmp_path):
    server.files["/a"] = CONTENT + b"more"
    with pytest.raises(ValueError, match="more than the 10,240 bytes"):
        fetch_file(remote, tmp_path)
    assert not (tmp_path / "a.zip").exists()


def test_an_empty_file(server, tmp_path):
    server.files["/empty"] = b""
    remote = RemoteFile("empty", f"{server.url}/empty", 0, hashlib.md5().hexdigest())
    assert bytes_to_fetch(remote, tmp_path) == 1
    assert fetch_file(remote, tmp_path).read_bytes() == b""


def test_servers_that_refuse_or_are_not_there(server, remote, tmp_path):
    server.status = 503
    with pytest.raises(ConnectionError, match=r"/a answers 503 Service Unavailable; try again"):
        fetch_file(remote, tmp_path)
    assert len(server.requests) == 1
    for fetch in (
        lambda url: fetch_json(url),
        lambda url: fetch_file(remote._replace(url=url), tmp_path),
    ):
        with pytest.raises(ConnectionError, match=r"cannot be reached .* offline"):
            fetch("http://127.0.0.1:9/a")
        with pytest.raises(ValueError, match="is no address of the web"):
            fetch("file:///etc/passwd")


@pytest.mark.parametrize(
    "content", [b"[1]", b"{", b"[" * 100_000, b"\xff", b'{"a": "' + b"x" * 2**22 + b'"}']
)
def test_what_is_no_json_object(server, content):
    server.files["/json"] = content
    with pytest.raises(ValueError, match="gives no JSON object"):
        fetch_json(f"{server.url}/json")


def test_space_is_checked(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 2**26 + 1000))
    check_space(tmp_path, 1000)
    with pytest.raises(OSError, match=r"room for 67,109,864 bytes, but 1,001 are to come"):
        check_space(tmp_path, 1001)
