"""A YAML file of alternatives, read into runs.

:func:`read_plan`: ``hyperparams/sweeps/<name>.yml`` or any file → each :class:`Run`

    program: zoo/pretrain.py
    options: {model: motion, game: Pong, output: "{folder}/weights", log-folder: "{folder}/logs"}
    sets:
      standard: {seed: [0, 1, 2], hyperparams.num_keypoints: [4, 6]}
    short: {hyperparams.num_keypoints: k}
    figures: {"{folder}/weights/config.json": {validation: training.validation}}

Each set is the Cartesian product of its alternatives (multi_train of SPACE-Time's code).
"""

from __future__ import annotations

import itertools
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from objwrappers.files import hyperparams_folder, read_regular
from objwrappers.names import check_name, unknown_name
from objwrappers.sweeps.commands import (
    SCALARS,
    check_options,
    fill,
    flat_options,
    has_placeholder,
    option_words,
    set_option,
)

__all__ = ["MAX_RUNS", "Run", "find_plan", "find_program", "read_keys", "read_plan"]

MAX_RUNS = 1000
MAX_FILE_BYTES = 2**20
MAX_NAME_LENGTH = 150
KEYS = ("name", "program", "options", "then", "sets", "short", "seed", "figures")


@dataclass(frozen=True)
class Run:
    """One point of the grid.

    Attributes:
        name: Of its folder: the sweep's, then short name and value of each alternative.
        group: The name without the seed; runs of one group are averaged.
        commands: Words of the programs that it calls, one after the other; the first is a path.
        figures: JSON file → name of a figure → dotted key.
    """

    name: str
    group: str
    commands: list[list[str]]
    figures: dict[str, dict[str, str]]


def find_plan(name: str | Path, kind: str = "sweep") -> Path:
    """Returns the file of that path, or the one of that name in ``hyperparams/<kind>s``.

    Raises:
        FileNotFoundError: There is neither.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = {path.stem: path for path in (hyperparams_folder() / f"{kind}s").glob("*.yml")}
    if str(name) in shipped:
        return shipped[str(name)]
    raise FileNotFoundError(
        f"There is no file {name}, nor a {kind} of that name. There are "
        f"{', '.join(sorted(shipped))}."
    )


def read_plan(
    file: str | Path,
    folder: str | Path,
    sets: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Run, ...]:
    """Reads a sweep: its runs, in the file's order.

    Args:
        file: YAML, as in the head of this module.
        folder: Of the sweep; each run's is in it.
        sets: Names of the sets to take; by default all.
        options: Dotted name → value, in place of the file's fixed options.

    Raises:
        FileNotFoundError: There is no such file or program.
        ValueError: A misspelt key, alternatives that are no list, runs that would write over each
            other, too many of them, or an option that is varied and given, too.
    """
    file = Path(file)
    try:
        content = read_keys(file, "sweep", KEYS, ("program", "sets"))
        fixed = check_options(content.get("options", {}), "options")
        chosen = _chosen_sets(content, sets)
        for name, value in (options or {}).items():
            if any(name in alternatives for alternatives in chosen.values()):
                raise ValueError(f"{name} cannot be given: the sets vary it.")
            fixed = check_options(set_option(fixed, name, value), "options")
        grid = _Builder(content, fixed, file, Path(folder))
        runs: dict[str, Run] = {}
        for alternatives in chosen.values():
            for values in _product(alternatives):
                run = grid.run(values)
                if runs.setdefault(run.name, run) != run:
                    raise ValueError(f"two different runs are called {run.name}.")
        return tuple(runs.values())
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def read_keys(
    file: Path, kind: str, keys: Sequence[str], required: Sequence[str]
) -> dict[str, Any]:
    """Reads a YAML file of known keys.

    Args:
        file: Of a plan.
        kind: What it is, for the message.
        keys: That it may have.
        required: Those of them that it must have.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No YAML, no mapping, an unknown key, or one that is missing.
    """
    try:
        content = yaml.safe_load(read_regular(file, MAX_FILE_BYTES))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"holds {type(content).__name__} instead of keys: {', '.join(keys)}.")
    for key in content:
        check_name(f"key of a {kind}", key, keys)
    for key in required:
        if key not in content:
            raise ValueError(f"lacks the key {key}.")
    return content


def _chosen_sets(content: dict[str, Any], names: Sequence[str] | None) -> dict[str, dict]:
    """Returns the sets to run, after a look at each."""
    sets = content["sets"]
    if not isinstance(sets, dict) or not sets:
        raise ValueError(f"sets are names and alternatives, got {sets!r}.")
    for name in names or ():
        if name not in sets:
            raise unknown_name("set", name, map(str, sets))
    for name, alternatives in sets.items():
        _check_set(f"the set {name}", alternatives)
    chosen = {name: sets[name] for name in names or sets}
    count = sum(math.prod(map(len, alternatives.values())) for alternatives in chosen.values())
    if count > MAX_RUNS:
        raise ValueError(f"these are {count} runs, expected at most {MAX_RUNS}.")
    return chosen


def _check_set(called: str, alternatives: Any) -> None:
    if not isinstance(alternatives, dict):
        raise ValueError(f"{called} is options and lists, got {alternatives!r}.")
    for option, values in alternatives.items():
        if not isinstance(values, list) or not values:
            raise ValueError(
                f"{called}: {option} takes a list of alternatives, as in [0, 1], got {values!r}."
            )
        for value in values:
            check_options({option: value}, called)
        if len({str(value) for value in values}) < len(values):
            raise ValueError(f"{called}: {option} has an alternative twice: {values}.")


def _product(alternatives: dict[str, list]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*alternatives.values()):
        yield dict(zip(alternatives, values, strict=True))


class _Builder:
    """What all runs of a file have in common; makes each."""

    def __init__(self, content: dict[str, Any], fixed: dict, file: Path, folder: Path) -> None:
        self.name = _word(content.get("name", file.stem), "name")
        self.program = find_program(_word(content["program"], "program"))
        self.seed = _word(content.get("seed", "seed"), "seed")
        self.fixed, self.folder = fixed, folder
        self.short = _mapping(content.get("short", {}), "short")
        varied = {key for alternatives in content["sets"].values() for key in alternatives}
        for option in self.short:
            if option not in varied:
                raise unknown_name("option in short", option, map(str, sorted(varied)))
        then = content.get("then", [])
        if not isinstance(then, list):
            raise ValueError(f"then is a list of commands, got {then!r}.")
        self.then = [_words_of(command) for command in then]
        figures = content.get("figures", {})
        if not isinstance(figures, dict):
            raise ValueError(f"figures are files and what to read there, got {figures!r}.")
        self.figures = {str(path): _mapping(keys, path) for path, keys in figures.items()}
        names = [name for keys in self.figures.values() for name in keys]
        if len(set(names)) < len(names):
            raise ValueError(f"figures: a name is there twice: {', '.join(names)}.")
        _check_apart(fixed, self.then)

    def run(self, values: dict[str, Any]) -> Run:
        """Returns the run of one value of each alternative."""
        options = self.fixed
        for option, value in values.items():
            options = set_option(options, option, value)
        name = self._called(values)
        if len(name) > MAX_NAME_LENGTH:
            raise ValueError(f"the name {name} is too long: give its options short names.")
        plain = {k: v for k, v in flat_options(options).items() if not has_placeholder(v)}
        names = {**plain, "run": name, "folder": self.folder / name}
        filled = fill(options, names)
        names = {**flat_options(filled), **names}
        return Run(
            name,
            self._called({k: v for k, v in values.items() if k != self.seed}),
            [[self.program, *option_words(filled)], *fill(self.then, names)],
            {fill(path, names): fill(keys, names) for path, keys in self.figures.items()},
        )

    def _called(self, values: dict[str, Any]) -> str:
        parts = [self.name]
        for option, value in values.items():
            text = "-".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(re.sub(r"[^\w.+-]", "-", self._short(option) + text))
        return "_".join(parts)

    def _short(self, option: str) -> str:
        return self.short.get(option, option.rpartition(".")[2].strip("-"))


def _check_apart(options: dict[str, Any], then: list[list[str]]) -> None:
    """Two runs that get the same paths would write over each other."""
    words = str([options, then])
    if "{folder}" not in words and "{run}" not in words:
        raise ValueError(
            "neither {folder} nor {run} is in its options: the runs would write over each other. "
            'Give what the program writes a place, as in output: "{folder}/weights".'
        )


def find_program(path: str) -> str:
    """Returns the path of a program: from here, or else from the clone's root.

    Raises:
        FileNotFoundError: There is none.
    """
    root = hyperparams_folder().parent
    for candidate in (Path(path), root / path):
        if candidate.is_file():
            return str(candidate)
    programs = ", ".join(sorted(file.name for file in (root / "zoo").glob("*.py")))
    there = f" In {root / 'zoo'} are {programs}." if programs else ""
    raise FileNotFoundError(f"There is no program {path}.{there}")


def _words_of(command: Any) -> list[str]:
    if not isinstance(command, str) or not command.strip():
        raise ValueError(f"then is a list of commands, as in a shell, got {command!r}.")
    program, *words = shlex.split(command)
    return [find_program(program), *words]


def _word(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is a word, got {value!r}.")
    if key == "name" and re.search(r"[^\w.+-]", value):
        raise ValueError(f"name is letters, digits, '.', '_', '+' and '-', got {value!r}.")
    return value


def _mapping(value: Any, key: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, SCALARS) for v in value.values()):
        raise ValueError(f"{key} takes names and words, got {value!r}.")
    return {str(name): str(inner) for name, inner in value.items()}
