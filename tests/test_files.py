"""Files of strangers: read within bounds, or one clear error at once."""

import json
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.files import read_json, read_regular


def written(tmp_path, content):
    path = tmp_path / "some.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_is_an_object_is_read(tmp_path):
    value = {"a": [1, 2.5, None, True, "ä"], "b": {"c": {}}}
    path = written(tmp_path, json.dumps(value))
    assert read_json(path) == value
    (tmp_path / "link").symlink_to(path)
    assert read_json(str(tmp_path / "link")) == value


@pytest.mark.parametrize(
    "content, reason",
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "a list instead of an object"),
        ("3", "a int instead of an object"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1e999}', "1e999 is too large a number"),
        (b'{"a": "\xff"}', "can't decode byte 0xff"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested too deep"),
        ('{"a":' + "[" * 1100 + "]" * 1100 + "}", "nested too deep"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"a":' + "9" * 5000 + "}", "4300 digits"),
    ],
)
def test_damage_is_named(tmp_path, content, reason):
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=reason) as error:
        read_json(path)
    assert str(path) in str(error.value) and "is damaged" in str(error.value)


def test_what_is_as_deep_as_allowed_is_read(tmp_path):
    path = written(tmp_path, '{"a":' * 32 + "1" + "}" * 32)
    assert read_json(path)["a"]["a"]
    with pytest.raises(ValueError, match="more than 32 levels"):
        read_json(written(tmp_path, '{"a":' * 33 + "1" + "}" * 33))


def test_a_large_file_is_not_read(tmp_path):
    path = written(tmp_path, json.dumps({"a": "x" * 100}))
    assert read_json(path, max_bytes=path.stat().st_size)
    with pytest.raises(ValueError, match=r"some.json is too large: 109 bytes, .* at most 108"):
        read_json(path, max_bytes=108)
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="sparse is too large"):
        read_json(tmp_path / "sparse")


def test_what_is_no_file_neither_blocks_nor_fills_memory(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    paths = [tmp_path / "pipe", tmp_path / "folder", "/dev/zero", "/dev/tty"]
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        listener.bind("socket")
        for path in [*paths, tmp_path / "socket"]:
            with pytest.raises(ValueError, match=f"{path} (is not a regular|cannot be read)"):
                read_json(path)


def test_missing_files_are_missing(tmp_path):
    (tmp_path / "file").write_text("{}")
    for path in (tmp_path / "nothing", tmp_path / "file" / "inside"):
        with pytest.raises(FileNotFoundError, match=f"no file {path}"):
            read_json(path)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ValueError, match=r"cannot be read: .*symbolic links"):
        read_json(tmp_path / "a")


def test_bytes_are_read_whole(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 1000)
    assert read_regular(path, 256_000) == path.read_bytes()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def finite(value):
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or abs(value) < float("inf")


@given(value=json_values)
def test_any_json_is_read_as_it_was_or_refused(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    if isinstance(value, dict) and finite(value):
        assert read_json(path) == value
    else:
        with pytest.raises(ValueError, match=r"any.json is damaged"):
            read_json(path)


@given(content=st.binary())
def test_any_bytes_are_an_object_or_a_value_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    try:
        assert isinstance(read_json(path), dict)
    except ValueError as error:
        assert "any.json is damaged" in str(error)
