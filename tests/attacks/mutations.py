"""What a stranger, a bad disk or a cut connection does to files.

* :func:`damage`: one file of a folder, in one of many ways, chosen by a seed
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import struct
import warnings
import zipfile
from copy import deepcopy
from pathlib import Path

ODD = (
    *(None, True, False, 0, 1, -1, -(10**9), 10**8, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, 1e-320),
    *("", "x", "x" * 100_000, "NaN", "../../etc/passwd", "/dev/zero", "\0", "\ud800", "é" * 500),
    *([], {}, [[]], [None] * 1000, [10**8, 10**8], {"": {}}, {"__class__": "os.system"}),
)
"""Values that somebody did not think of."""

LITERALS = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000, "1e-400"),
    *("[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "{", "nul", '"\\ud800"'),
)
"""Text in place of a value that ``json.dumps`` would not write."""

_MARK = "@@damaged@@"
KINDS = ("fifo", "folder", "zero", "null", "dangling", "loop", "absent", "empty", "elsewhere")


def damage(path: Path, seed: int) -> str:
    """Damages a file; returns in which way."""
    rng = random.Random(seed)
    ways = [_bytes, _bytes, _bytes]
    if path.suffix in (".json", ".safetensors"):
        ways += [_json, _json, _json, _json]
    if path.suffix in (".npz", ".zip"):
        ways += [_members, _members, _members]
    if path.suffix in (".npy", ".npz"):
        ways += [_array, _array]
    ways.append(_kind)
    way = rng.choice(ways)
    return f"{path.name}: {way.__name__.strip('_')} {way(path, rng)}"


def reseal(folder: Path) -> None:
    """Makes the digest of weights that of the file that is there, as whoever forges them can."""
    config, weights = folder / "config.json", folder / "model.safetensors"
    if not (config.is_file() and weights.is_file()):  # neither a pipe nor a device
        return
    try:
        facts = json.loads(config.read_text())
        facts["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        config.write_text(json.dumps(facts))
    except (OSError, ValueError, TypeError, RecursionError):
        pass


def _bytes(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        content, told = _one_change(content, rng)
    path.write_bytes(content)
    return told


def flip(path: Path, seed: int) -> str:
    """Flips one bit."""
    rng = random.Random(seed)
    content = bytearray(path.read_bytes())
    at, bit = rng.randrange(len(content)), rng.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"{path.name}: bit {bit} of byte {at}"


def _one_change(content: bytearray, rng: random.Random) -> tuple[bytearray, str]:
    if not content:
        return content, "nothing left"
    # What matters most stands at the beginning and at the end.
    size = len(content)
    near = min(size, 200)
    at = rng.choice((rng.randrange(size), rng.randrange(near), size - 1 - rng.randrange(near)))
    way = rng.choice(("flip", "set", "cut", "insert", "drop", "double", "zero", "count"))
    length = rng.choice((1, 4, 8, 64, 4096))
    if way == "flip":
        content[at] ^= 1 << rng.randrange(8)
    elif way == "set":
        content[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    elif way == "cut":
        del content[at:]
    elif way == "insert":
        content[at:at] = rng.randbytes(length)
    elif way == "drop":
        del content[at : at + length]
    elif way == "double":
        content[at:at] = content[at : at + length]
    elif way == "zero":
        content[at : at + length] = bytes(len(content[at : at + length]))
    else:
        number = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1))
        content[at : at + 8] = struct.pack(rng.choice("<>") + "Q", number)
    return content, f"{way} {length} at {at}"


def _json(path: Path, rng: random.Random) -> str:
    """Another value somewhere in a JSON file, or in the header of a safetensors file."""
    content = path.read_bytes()
    rest = b""
    if path.suffix == ".safetensors":
        length = int.from_bytes(content[:8], "little")
        content, rest = content[8 : 8 + length], content[8 + length :]
    value = json.loads(content)
    text, told = changed_json(value, rng)
    new = text.encode("utf-8", errors="surrogatepass")
    if path.suffix == ".safetensors":
        new = len(new).to_bytes(8, "little") + new + rest
    path.write_bytes(new)
    return told


def changed_json(value: object, rng: random.Random) -> tuple[str, str]:
    """Returns a JSON text with something else somewhere, and what."""
    places = list(_places(value))
    if not places:
        return rng.choice(LITERALS), "all of it"
    holder, key = rng.choice(places)
    way = rng.choice((_odd, _odd, _odd, _literal, _drop, _add, _twice, _swap, _count))
    literal = way(holder, key, rng, places)
    text = json.dumps(value)
    if literal:
        text = text.replace(json.dumps(_MARK), literal)
    return text, f"{way.__name__.strip('_')} at {key!r:.40}"


def _odd(holder, key, rng, places):
    holder[key] = rng.choice(ODD)


def _literal(holder, key, rng, places):
    holder[key] = _MARK
    return rng.choice(LITERALS)


def _drop(holder, key, rng, places):
    del holder[key]


def _add(holder, key, rng, places):
    if isinstance(holder, dict):
        name = rng.choice(("more", "", "../x", "\ud800", "__init__", "x" * 10_000))
        holder[name] = holder[key]
    else:
        holder.insert(0, rng.choice(ODD))


def _twice(holder, key, rng, places):
    if isinstance(holder, list):
        holder.append(holder[key])
        return None
    old, holder[key] = json.dumps(holder[key]), _MARK
    return f"{json.dumps(rng.choice(ODD))}, {json.dumps(key)}: {old}"


def _swap(holder, key, rng, places):
    other, there = rng.choice(places)
    one, two = deepcopy(holder[key]), deepcopy(other[there])
    holder[key] = two
    if isinstance(other, list) or there in other:
        other[there] = one


def _count(holder, key, rng, places):
    old = holder[key]
    is_count = isinstance(old, int) and not isinstance(old, bool)
    holder[key] = old + rng.choice((-1, 1, 1000)) if is_count else [old]


def _places(value: object):
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _members(path: Path, rng: random.Random) -> str:
    """An archive packed anew: other members, other names, one of them damaged."""
    try:
        with zipfile.ZipFile(path) as old:
            members = {entry.filename: old.read(entry) for entry in old.infolist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return _bytes(path, rng)
    name = rng.choice(sorted(members))
    way = rng.choice(("damage", "damage", "drop", "rename", "add", "twice", "huge", "json"))
    extra: list[tuple[str, bytes]] = []
    if way == "damage":
        changed, _ = _one_change(bytearray(members[name]), rng)
        members[name] = bytes(changed)
    elif way == "drop":
        del members[name]
    elif way == "rename":
        members[rng.choice(("../evil.npy", "/abs.npy", "x" * 300, "é\0.npy"))] = members.pop(name)
    elif way == "add":
        members[rng.choice(("more.npy", "arrays/more.npy", "../more", "header"))] = members[name]
    elif way == "twice":
        extra = [(name, members[name])]
    elif way == "huge":
        members[name] = members[name][:128] + bytes(2**26)
    else:
        members[name] = _header_damaged(members[name], rng)
    packed = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packed) as new:
        warnings.simplefilter("ignore")
        for each, content in (*members.items(), *extra):
            new.writestr(each, content)
    path.write_bytes(buffer.getvalue())
    return f"{way} {name}"


SHAPES = (
    *("(100000000,)", "(-1,)", "()", "(0,)", "(3, 4)", "(1e3,)", "(True,)", "(2**40, 2**40)"),
    *("None", "[4]", "(99999999999999999999,)"),
)
TYPES = ("<f8", "|O", "<U8", "|V3", "<c16", ">u1", "|b1", "<M8[s]", "f2, i4", "zz", "|S0")


def _header_damaged(content: bytes, rng: random.Random) -> bytes:
    """Another shape, type or order in the header of an .npy, if it is one."""
    if content[:6] != b"\x93NUMPY":
        return content
    length = int.from_bytes(content[8:10], "little")
    header = content[10 : 10 + length].decode("latin1")
    way = rng.randrange(4)
    if way == 0:
        begin, end = header.index("'shape':") + 8, header.rindex(")") + 1
        header = f"{header[:begin]} {rng.choice(SHAPES)}{header[end:]}"
    elif way == 1:
        begin = header.index("'descr':") + 8
        end = header.index(",", begin)
        header = f"{header[:begin]} {rng.choice(TYPES)!r}{header[end:]}"
    elif way == 2:
        header = header.replace("False", "True")
    else:
        header = rng.choice(("__import__('os')", "(" * 9000, "{}", "", "\0" * 40, "{'shape': }"))
    new = header.encode("latin1", errors="replace")
    return content[:8] + len(new).to_bytes(2, "little") + new + content[10 + length :]


def _array(path: Path, rng: random.Random) -> str:
    if path.suffix == ".npz":
        return _members(path, rng)
    path.write_bytes(_header_damaged(path.read_bytes(), rng))
    return "header"


def _kind(path: Path, rng: random.Random) -> str:
    """Something else than a regular file in its place."""
    kind = rng.choice(KINDS)
    content = path.read_bytes()
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind in ("zero", "null"):
        path.symlink_to(f"/dev/{kind}")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "elsewhere":
        other = path.with_name(f"{path.name}.other")
        other.write_bytes(content)
        path.symlink_to(other)
    return kind


def copy(source: Path, target: Path) -> None:
    """Copies a folder over what is left of another."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
