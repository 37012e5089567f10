"""What the programs in zoo/ share: RL Zoo's words as argparse options, and one-line errors."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import gymnasium as gym
import yaml

import objwrappers
from objwrappers.files import check_writable, write_atomically
from objwrappers.names import did_you_mean

__all__ = [
    "KeyValues",
    "add_agent_options",
    "check_env_id",
    "fail",
    "import_packages",
    "output_folder",
    "output_path",
    "parse_value",
    "run_program",
    "write_json",
]


def fail(message: str) -> NoReturn:
    """Ends the program with one clear message and exit code 1."""
    raise SystemExit(f"error: {message}")


def run_program(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a library function; an error that it explains ends the program with one message."""
    try:
        return function(*arguments, **options)
    except (AssertionError, OSError, RuntimeError, TypeError, ValueError, gym.error.Error) as error:
        if not str(error):
            raise
        fail(str(error))


def import_packages(names: Sequence[str]) -> None:
    """Imports packages that register envs; objwrappers' own ids are always there."""
    objwrappers.register_all()
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            fail(f"--gym-packages {name}: {error}")


def check_env_id(env_id: str) -> None:
    """Ends the program if there is no such id; the message offers the nearest ones."""
    if env_id in gym.registry:
        return
    fail(f"unknown env {env_id!r}. {did_you_mean(env_id, gym.registry) or 'No id is like it.'}")


class KeyValues(argparse.Action):
    """``key:value ...`` as a dict; see :func:`parse_value`."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Parses the values and sets them."""
        found = {}
        for pair in values:
            key, colon, value = pair.partition(":")
            if not colon:
                raise argparse.ArgumentError(self, f"takes key:value, got {pair!r}.")
            found[key] = parse_value(value)
        setattr(namespace, self.dest, found)


def parse_value(text: str) -> Any:
    """Reads a value: Python's literals, YAML's lists, true, false and null; the rest are words.

    Nothing is evaluated: ``dict(net_arch=[64])`` stays a word, which RL Zoo understands by itself.
    """
    try:
        return ast.literal_eval(text)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        pass
    if text in ("true", "false", "null") or text[:1] in ("[", "{"):
        try:
            return yaml.safe_load(text)
        except (RecursionError, yaml.YAMLError):
            pass
    return text


def output_path(text: str) -> Path:
    """Returns a file that will be written; it is an error now where it cannot be.

    Raises:
        argparse.ArgumentTypeError: Nobody may write there.
    """
    return _output(text, "file")


def output_folder(text: str) -> Path:
    """Returns a folder that files will be written into; it is an error now where none can be.

    Raises:
        argparse.ArgumentTypeError: Nobody may write there.
    """
    return _output(text, "folder")


def _output(text: str, kind: str) -> Path:
    try:
        check_writable(text, kind)
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(text)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a program's result and says so."""
    with write_atomically(path) as file:
        file.write((json.dumps(content, default=str, indent=1) + "\n").encode())
    print(f"Wrote {path}")


def add_agent_options(
    parser: argparse.ArgumentParser, several: bool = False, plays: bool = True
) -> None:
    """Adds the options by which programs find an agent and make its env.

    Args:
        parser: Gets ``--env``, ``--algo``, ``-f`` and so on.
        several: ``-f`` and ``--exp-id`` take several values and are lists.
        plays: The agent acts; one that only looks on is a trained one, and may be left out.
    """
    from objwrappers.agents.runs import ALGOS, LOG_FOLDER

    add = parser.add_argument
    add("--env", required=plays, help="env id, ObjKeypoints-MsPacman-v0")
    algos, default = (["random", *ALGOS], "random") if plays else ([*ALGOS], None)
    add("--algo", choices=algos, default=default, help="of a trained agent")
    count: dict[str, Any] = {"nargs": "+"} if several else {}
    folder, run = ([LOG_FOLDER], [0]) if several else (LOG_FOLDER, 0)
    add("-f", "--folder", default=folder, **count, help="log folder of the agent's training")
    add("--exp-id", type=int, default=run, **count, help="run in it (default: the latest)")
    add("--load-best", action="store_true", help="the best model instead of the last one")
    if plays:
        add("--deterministic", action="store_true", help="the likeliest action instead of sampling")
    add("--device", default="auto", help="of perception and of the policy")
    add("--env-kwargs", nargs="+", action=KeyValues, default={}, help="key:value ...")
    add("--gym-packages", nargs="+", default=[], help="packages that register envs")
    add("--trust", action="store_true", help="read agents that RL Zoo wrote: pickles, run as code")
