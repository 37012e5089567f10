"""A board as a page: Markdown, and pictures beside it.

:func:`write_page`: what the file that travels holds → ``<plan>.md`` and its PNGs. The same content
gives the same bytes.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from objwrappers.boards.board import Board, Cost, Group, Score
from objwrappers.boards.pictures import draw_learning, draw_shares
from objwrappers.boards.plan import CLEAN
from objwrappers.files import write_atomically

__all__ = ["write_page"]

MISSING = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"


def write_page(content: Mapping[str, Any], path: Path) -> list[Path]:
    """Writes the page.

    Args:
        content: Of :func:`~objwrappers.boards.records.read_export`.
        path: Of the Markdown; pictures go beside it, by its name and what they show.

    Returns:
        What was written, the page first.
    """
    board = Board(content)
    pictures: list[Path] = []
    blocks = [_head(board)]
    for group in board.groups:
        blocks += [f"## {_called(board, group)}", _scores(board, group)]
        stem = f"{path.stem}-{group.budget}-{group.noise}-{group.algo}"
        bars, curves = (path.with_name(f"{stem}-{kind}.png") for kind in ("scores", "curves"))
        if draw_shares(board, group, bars):
            pictures.append(bars)
            blocks.append(f"![Scores as shares of the reference's]({bars.name})")
        draw_learning(board, group, curves)
        pictures.append(curves)
        blocks += [f"![Learning curves]({curves.name})", _costs(board, group)]
    blocks += _bars(board)
    blocks += [_protocol(board), _commands(board)]
    with write_atomically(path) as file:
        file.write(("\n\n".join(blocks) + "\n").encode())
    return [path, *pictures]


def _head(board: Board) -> str:
    plan = board.plan
    trained = [record for record in board.records if record["budget"]]
    reference = board.labels[board.reference]
    counted = ", both counted from the random policy's" if plan["random"] else ""
    sentences = [
        f"# {plan['title']}",
        f"Written from `{plan['name']}.json` by `{plan['command']}`; not to be edited.",
        f"{len(trained)} of {plan['cells']} trainings are there. A figure is the interquartile "
        "mean over runs (of fewer than four that is their mean) with its 95 % bootstrap interval "
        "in brackets, runs resampled within each game; after it stands the number of runs. "
        f"{TIMES} is the score as a multiple of that of {reference}{counted}; its interval takes "
        f"what it is compared with as given. {MISSING}: not run, or no multiple, because "
        f"{reference} is no better than where counting begins.",
    ]
    if board.not_run:
        names = "; ".join(_called(board, group) for group in board.not_run)
        sentences.append(f"Nothing was run yet of: {names}.")
    return "\n\n".join(sentences)


def _called(board: Board, group: Group) -> str:
    words = [f"{group.budget:,} agent steps"]
    if len(board.plan["noises"]) > 1 or group.noise != CLEAN:
        words.append("no bars" if group.noise == CLEAN else f"bars: {group.noise}")
    if len(board.plan["algos"]) > 1:
        words.append(group.algo)
    return ", ".join(words)


def _columns(board: Board, group: Group) -> list[str]:
    """Columns of which the group has a run."""
    return [c for c in board.columns if any(board.runs(g, c, group) for g in board.games)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(heads), ["---", *["--:"] * (len(heads) - 1)], *map(list, rows)]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _scores(board: Board, group: Group) -> str:
    columns = _columns(board, group)

    def cell(game: str, column: str) -> str:
        score, ratio = board.score(game, column, group), board.ratio(game, column, group)
        if score is None:
            return MISSING
        times = f" {TIMES}{ratio.value:.2f}" if ratio and column != board.reference else ""
        return f"{_number(score.value)}{_interval(score, _number)}{times} ({score.runs})"

    rows = [
        [
            game,
            *([_optional(board.random(game), _number)] if board.plan["random"] else []),
            *(cell(game, column) for column in columns),
        ]
        for game in board.games
    ]
    whole = [board.overall(column, group) for column in columns]
    blank = [""] if board.plan["random"] else []
    rows.append([f"all games, {TIMES}", *blank, *map(_share, whole)])
    random = ["random"] if board.plan["random"] else []
    return _table(["game", *random, *(board.labels[c] for c in columns)], rows)


def _costs(board: Board, group: Group) -> str:
    columns = _columns(board, group)
    reference = board.labels[board.reference]

    def cell(games: Sequence[str], column: str) -> str:
        cost = board.cost(games, column, group)
        if cost is None:
            return MISSING
        return f"{cost.processor_s:,.0f} → {_reached(cost)}"

    rows = [[game, *(cell([game], column) for column in columns)] for game in board.games]
    told = (
        f"Processor seconds of a training → those until a window of its learning curve, a "
        f"twentieth of the budget, first has the final score of {reference}, in proportion to "
        "its steps, median over runs (runs that get there, of all):"
    )
    costs = [(column, board.cost(board.games, column, group)) for column in columns]
    speeds = _table(
        ["", "steps a processor second", "steps a second", "seconds of a training"],
        [
            [
                board.labels[column],
                f"{cost.steps_per_processor_s:,.0f}",
                f"{cost.steps_per_s:,.0f}",
                f"{cost.wall_s:,.0f}",
            ]
            for column, cost in costs
            if cost is not None
        ],
    )
    heads = ["game", *(board.labels[column] for column in columns)]
    return "\n\n".join([told, _table(heads, rows), "Means over all trainings:", speeds])


def _bars(board: Board) -> list[str]:
    """The table of what is left under bars, for each budget, noise and algorithm."""
    blocks = []
    for group in board.groups:
        clean = Group(group.budget, CLEAN, group.algo)
        if group.noise == CLEAN or clean not in board.groups:
            continue
        columns = _columns(board, group)

        def share(
            games: Sequence[str], column: str, group: Group = group, clean: Group = clean
        ) -> str:
            return _share(board.share(games, column, group, (column, clean)))

        rows = [[game, *(share([game], column) for column in columns)] for game in board.games]
        rows.append(["all games", *(share(board.games, column) for column in columns)])
        counted = ", both minus the random policy's" if board.plan["random"] else ""
        blocks += [
            f"## Share of the clean score: {_called(board, group)}",
            f"The score under bars over that without{counted}.",
            _table(["game", *(board.labels[column] for column in columns)], rows),
        ]
    return blocks


def _protocol(board: Board) -> str:
    plan = board.plan
    trained = [record for record in board.records if record["budget"]]
    machines = dict.fromkeys((record["cores"], record["threads"]) for record in trained)
    on = "; ".join(
        f"{cores} cores, OMP_NUM_THREADS={threads}" for cores, threads in sorted(machines)
    )
    found = {(n, v) for record in trained for n, v in record.get("versions", {}).items()}
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found))
    lines = [
        "## How it was measured",
        f"- Each agent, the last of its training, plays {plan['episodes']} whole games from seeds "
        "that no training sees; agents that have a policy sample its actions. Scores are the "
        "game's own, not clipped.",
        f"- Seeds of trainings: {', '.join(map(str, plan['seeds']))}. What differs between "
        "columns beyond the observation is in the commands below and in hyperparams/.",
        f"- Curves are of the games of training that ended in each twentieth of the budget, "
        f"mean and range over seeds. Device: {plan['device']}.",
        "- Processor seconds are user and system time of `train.py` from its start to its end, "
        "all threads and children together; perception is in them, its pretraining is not. "
        "Seconds of the clock depend on what else the machine did.",
    ]
    lines += [f"- {note}" for note in plan["notes"]]
    if on:
        lines.append(f"- Machines: {on}.")
    if versions:
        lines.append(f"- Versions: {versions}.")
    return "\n".join([lines[0], "", *lines[1:]])


def _commands(board: Board) -> str:
    shown = "\n".join(
        " ".join(map(_quoted, ["python", *words])) for words in board.plan["commands"]
    )
    return f"One run of each column, and how it is scored:\n\n```sh\n{shown}\n```"


def _quoted(word: str) -> str:
    """Quotes a word for a shell, by double quotes where it has single ones."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def _reached(cost: Cost) -> str:
    if cost.reached is None:
        return MISSING
    return f"{_optional(cost.to_reference_s, '{:,.0f}'.format)} ({cost.reached} of {cost.runs})"


def _share(score: Score | None) -> str:
    if score is None:
        return MISSING
    games = f", {score.games} games" if score.games > 1 else ""
    interval = _interval(score, "{:.2f}".format)
    return f"{score.value:.2f}{interval} ({score.runs}{games})"


def _interval(score: Score, form: Callable[[float], str]) -> str:
    if score.interval is None:
        return ""
    low, high = score.interval
    return f" [{form(low)}, {form(high)}]"


def _number(value: float) -> str:
    """Three digits, or all that are whole."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _optional(value: float | None, form: Callable[[float], str]) -> str:
    return MISSING if value is None else form(value)
