"""Scores keypoints against the objects that the console's memory knows.

A uniformly random policy plays seeds that training never sees; frames are what the envs give
(maximum of the last two raw frames, frame skip 4, no sticky actions).

    python zoo/score.py --game MsPacman Pong --model motion transporter --noise none both
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import matplotlib.figure
import numpy as np
import torch
from moments import Moment, play, with_bars

from objwrappers.envs.distractors import MOTIONS
from objwrappers.files import write_atomically
from objwrappers.games import check_game
from objwrappers.metrics.keypoints import (
    KeypointScore,
    Tracking,
    difference_peaks,
    follow,
    grid_keypoints,
    on_bars,
    on_border,
    score,
    to_pixels,
    uniform_keypoints,
)
from objwrappers.perception.loading import load_model
from objwrappers.rendering.bars import check_noise

FIRST_SEED = 10_000
SHARES = ("recall", "recall_all", "precision", "on_bars", "on_border", "consistency", "jitter")
LESS_IS_BETTER = ("on_bars", "on_border", "jitter")

Points = np.ndarray
"""Keypoints (K, 2) of a frame in native pixels; NaN where one is not present."""


def found(points: Points) -> Points:
    """Returns the keypoints that are present."""
    return points[~np.isnan(points).any(-1)]


def perceive(
    model_name: str,
    weights: str | None,
    game: str,
    noise: str,
    frames: list[np.ndarray],
    device: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns keypoints (N, K, 2) in native pixels and presences (N, K)."""
    model = load_model(model_name, game=game, weights=weights, device=device, noise=noise)
    where = next(model.parameters()).device
    keypoints, present = [], []
    with torch.inference_mode():
        for i in range(0, len(frames), 64):
            percepts = model(torch.from_numpy(np.stack(frames[i : i + 64])).to(where))
            keypoints.append(percepts["keypoints"].cpu().numpy())
            present.append(percepts["present"].cpu().numpy())
    height, width, _ = frames[0].shape
    return to_pixels(np.concatenate(keypoints), height, width), np.concatenate(present)


def row(name: str, now: list[Points], after: list[Points], moments: list[Moment]) -> dict:
    """One row of the table; see :mod:`objwrappers.metrics.keypoints` for its columns.

    Args:
        name: Of the row.
        now: Keypoints of each moment.
        after: The same a step later.
        moments: What is there.
    """
    shown, every, tracking = KeypointScore(), KeypointScore(), Tracking()
    bars, border = [], []
    for here, later, moment in zip(now, after, moments, strict=True):
        view = moment.now
        shown += score(found(here), view.shown)
        every += score(found(here), view.objects)
        tracking += follow(here, view.objects, later, moment.after.objects)
        bars.append(on_bars(found(here), view.columns, view.rows))
        border.append(on_border(found(here)))
    return {
        "keypoints": name,
        "recall": shown.recall,
        "recall_all": every.recall,
        "precision": shown.precision,
        "on_bars": float(np.mean(np.concatenate(bars))) if shown.keypoints else float("nan"),
        "on_border": float(np.mean(np.concatenate(border))) if shown.keypoints else float("nan"),
        "consistency": tracking.consistency,
        "jitter": tracking.jitter,
        "present": shown.keypoints / max(1, shown.frames),
        "sprites": shown.sprites,
        "counts": asdict(shown),
    }


def summary(model: str, rows: list[dict]) -> list[dict]:
    """The mean and the worst of several weights of a model, each column by itself."""
    both = []
    for word in ("mean", "worst"):
        shares = {}
        for key in SHARES:
            worst = np.max if key in LESS_IS_BETTER else np.min
            of_all: Callable = np.mean if word == "mean" else worst
            shares[key] = float(of_all([r[key] for r in rows]))
        present = float(np.mean([r["present"] for r in rows]))
        name = f"{model}, {word} of {len(rows)}"
        both.append(
            {"keypoints": name, **shares, "present": present, "sprites": rows[0]["sprites"]}
        )
    return both


def score_model(
    model: str, game: str, noise: str, moments: list[Moment], options: argparse.Namespace
) -> tuple[list[dict], set[int]]:
    """Returns the rows of a model's weights and their numbers of keypoints."""
    rows, runs = [], []
    counts = set()
    frames = [moment.now.frame for moment in moments] + [moment.after.frame for moment in moments]
    for weights in options.weights or [None]:
        where, present = perceive(model, weights, game, noise, frames, options.device)
        counts.add(where.shape[1])
        name = model if weights is None else f"{model} {_short(weights, options.weights)}"
        shown = np.where(present[..., None] > 0.5, where, np.nan)
        cut = len(moments)
        runs.append(row(name, list(shown[:cut]), list(shown[cut:]), moments))
        rows.append(runs[-1])
        if (present <= 0.5).any():
            everywhere = row(
                f"{name}, all keypoints", list(where[:cut]), list(where[cut:]), moments
            )
            rows.append(everywhere)
        if options.picture:
            parts = [options.picture, game, re.sub(r"[ /]+", "-", name)]
            parts += [] if noise == "none" else [noise]
            draw_sheet(Path("-".join(parts) + ".png"), moments, list(shown[:cut]))
    return rows + (summary(model, runs) if len(runs) > 1 else []), counts


def _short(weights: str, others: list[str]) -> str:
    """The folder's own name, or the whole path where another folder has the same name."""
    name = Path(weights).name
    return name if [Path(other).name for other in others].count(name) == 1 else weights


def baselines(count: int, moments: list[Moment], seed: int) -> list[dict]:
    """Returns the rows of keypoints that look at nothing, or at differences only."""
    grid = [grid_keypoints(count)] * len(moments)
    rng = np.random.default_rng(seed)
    uniform, later = ([uniform_keypoints(rng, count) for _ in moments] for _ in range(2))
    peaks = [difference_peaks(m.now.frame, m.before.frame, count) for m in moments]
    peaks_after = [difference_peaks(m.after.frame, m.now.frame, count) for m in moments]
    return [
        row(f"fixed grid of {count}", grid, grid, moments),
        row(f"{count} uniform points", uniform, later, moments),
        row(f"{count} difference peaks", peaks, peaks_after, moments),
    ]


def score_game(game: str, options: argparse.Namespace) -> list[dict]:
    """Returns the rows of one game under each noise."""
    clean = play(game, options.frames, options.seed)
    rows = []
    for noise in options.noise:
        moments = with_bars(clean, noise, options.noise_motion, options.seed)
        here: list[dict] = []
        counts: set[int] = set()
        if options.picture and not options.model:
            empty = [np.empty((0, 2))] * len(moments)
            draw_sheet(Path(f"{options.picture}-{game}.png"), moments, empty)
        for model in options.model:
            of_model, its_counts = score_model(model, game, noise, moments, options)
            here += of_model
            counts |= its_counts
        for count in sorted(counts) or [options.num_keypoints]:
            here += baselines(count, moments, options.seed)
        rows += [{"noise": noise, **r} for r in here]
    return rows


def draw_sheet(path: Path, moments: list[Moment], points: list[np.ndarray], scale: int = 3) -> None:
    """Writes a sheet of twelve frames with the objects' boxes and the keypoints.

    Boxes are white; grey if they count neither for nor against, or are hidden by flicker.
    """
    pictures = []
    for i in np.linspace(0, len(moments) - 1, 12).astype(int):
        truth = moments[i].now
        height, width, _ = truth.frame.shape
        picture = cv2.resize(
            truth.frame, (width * scale, height * scale), interpolation=cv2.INTER_NEAREST
        )
        looked_for = [s for s in truth.shown if s.scored]
        # White last: two ghosts in one place are often one drawn and one hidden.
        for s in sorted(truth.objects, key=looked_for.__contains__):
            corners = np.array([s.x, s.y, s.x, s.y]) + np.array([-1, -1, 1, 1]) / 2 * np.array(
                [s.width, s.height] * 2
            )
            x0, y0, x1, y1 = (corners * scale).round().astype(int).tolist()
            colour = (255, 255, 255) if s in looked_for else (128, 128, 128)
            cv2.rectangle(picture, (x0, y0), (x1, y1), colour, 1)
        for x, y in (found(points[i]) * scale).round().astype(int).tolist():
            cv2.circle(picture, (x, y), 6, (0, 0, 0), -1)
            cv2.circle(picture, (x, y), 4, (0, 255, 0), -1)
        pictures.append(picture)
    sheet = np.vstack([np.hstack(pictures[i : i + 6]) for i in (0, 6)])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet[..., ::-1])
    print(f"wrote {path}")


def draw_table(path: Path, table: dict[str, list[dict]]) -> None:
    """Writes the recall of each row as a picture: methods by games and noises, shaded."""
    columns = [(game, noise) for game in table for noise in {r["noise"]: 0 for r in table[game]}]
    names = list(dict.fromkeys(_method(r["keypoints"]) for rows in table.values() for r in rows))
    values = np.full((len(names), len(columns)), np.nan)
    for j, (game, noise) in enumerate(columns):
        for r in table[game]:
            if r["noise"] == noise:
                values[names.index(_method(r["keypoints"])), j] = r["recall"]
    figure = matplotlib.figure.Figure((2.5 + 0.9 * len(columns), 1.2 + 0.35 * len(names)))
    axes = figure.subplots()
    axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value < 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), [f"{g}\n{n}" for g, n in columns], fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title("Recall of moving objects, within 10 native pixels")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


def _method(name: str) -> str:
    """A baseline's name without its number of keypoints, which differs between games."""
    return re.sub(r"^fixed grid of \d+$|^\d+ (uniform points|difference peaks)$", _bare, name)


def _bare(match: re.Match) -> str:
    return match[1] or "fixed grid"


def main() -> None:
    """Prints the table of each game, and writes JSON and pictures if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", required=True, help="games, e.g. MsPacman Pong")
    add("--model", nargs="*", default=[], help="motion, permakey, transporter")
    add("--weights", nargs="+", help="folders; several: mean and worst too")
    add("--noise", nargs="+", default=["none"], help="bars: none, vertical, horizontal, both")
    add("--noise-motion", default="iid", choices=MOTIONS)
    add("--frames", type=int, default=1000, help="frames scored in each game")
    add("--num-keypoints", type=int, default=10, help="of the baselines alone")
    add("--seed", type=int, default=FIRST_SEED, help="of the first episode")
    add("--device", default="auto")
    add("--json", type=Path, help="file to write the table to")
    add("--picture", help="beginning of the names of the pictures to write")
    options = parser.parse_args()
    try:
        games = [check_game(game) for game in options.game]
        for noise in options.noise:
            check_noise(noise)
        table = {game: score_game(game, options) for game in games}
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from error
    print_table(table)
    if options.picture:
        draw_table(Path(f"{options.picture}-recall.png"), table)
    if options.json:
        with write_atomically(options.json) as file:
            file.write(
                json.dumps(
                    {"options": vars(options), "table": table}, default=str, indent=1
                ).encode()
            )
        print(f"wrote {options.json}")


def print_table(table: dict[str, list[dict]]) -> None:
    """Prints one line for each row."""
    heads = ("recall", "of all", "precision", "on bars", "border", "stays", "jitter", "present")
    print(f"{'game':14}{'noise':11}{'keypoints':36}" + "".join(f"{head:>10}" for head in heads))
    for game, rows in table.items():
        for r in rows:
            values = "".join(f"{r[key]:10.3f}" for key in (*SHARES, "present"))
            print(f"{game:14}{r['noise']:11}{r['keypoints']:36}{values}")


if __name__ == "__main__":
    main()
