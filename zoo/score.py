"""Scores keypoints against the objects that the console's memory knows.

A uniformly random policy plays seeds that training never sees; frames are what the envs give
(maximum of the last two raw frames, frame skip 4, no sticky actions).

    python zoo/score.py --game MsPacman Pong --model motion transporter
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import ale_py
import cv2
import numpy as np
import torch
from ale_py.env import AtariEnv

from objwrappers.files import write_atomically
from objwrappers.games import check_game, rom_name
from objwrappers.metrics.keypoints import (
    KeypointScore,
    grid_keypoints,
    score,
    to_pixels,
    uniform_keypoints,
)
from objwrappers.metrics.ram import Sprite, drawn, sprites
from objwrappers.perception.base import load_model

ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner for each episode

FIRST_SEED = 10_000
FRAME_SKIP = 4
SKIPPED_STEPS = 8  # attract colours
SAMPLE_EVERY = 5  # agent steps
SAMPLES_PER_EPISODE = 100
SHARES = ("recall", "recall_all", "precision")


@dataclass(frozen=True)
class Truth:
    """A frame and what is in it.

    Attributes:
        frame: uint8 (210, 160, 3).
        objects: All that memory knows.
        shown: Those that flicker has not hidden from the frame.
    """

    frame: np.ndarray
    objects: list[Sprite]
    shown: list[Sprite]


def play(game: str, count: int, seed: int) -> list[Truth]:
    """Plays at random and returns ``count`` sampled frames with their objects.

    Raises:
        ValueError: A count below 1.
    """
    if count < 1:
        raise ValueError(f"--frames must be at least 1, got {count}.")
    truths: list[Truth] = []
    while len(truths) < count:
        episode = _episode(game, seed)
        truths += [truth for _, truth in zip(range(SAMPLES_PER_EPISODE), episode, strict=False)]
        seed += 1
    return truths[:count]


def _episode(game: str, seed: int) -> Iterator[Truth]:
    env = AtariEnv(rom_name(game), frameskip=1, repeat_action_probability=0.0)
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    step, over = 0, False
    while not over:
        action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        raw: list[np.ndarray] = []
        before = env.ale.getRAM()
        for _ in range(FRAME_SKIP):
            before = env.ale.getRAM()
            frame, _, terminated, truncated, _ = env.step(action)
            raw.append(frame)
            over = terminated or truncated
            if over:
                return
        step += 1
        if step > SKIPPED_STEPS and step % SAMPLE_EVERY == 0:
            pair = np.stack(raw[-2:])
            objects = sprites(game, env.ale.getRAM(), before)
            yield Truth(pair.max(0), objects, [s for s in objects if drawn(s, pair)])


def perceive(
    model_name: str, weights: str | None, game: str, truths: list[Truth], device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns keypoints (N, K, 2) in native pixels and presences (N, K)."""
    model = load_model(model_name, game=game, weights=weights, device=device)
    where = next(model.parameters()).device
    keypoints, present = [], []
    frames = np.stack([truth.frame for truth in truths])
    with torch.inference_mode():
        for batch in np.array_split(frames, max(1, len(frames) // 64)):
            percepts = model(torch.from_numpy(batch).to(where))
            keypoints.append(percepts["keypoints"].cpu().numpy())
            shown = percepts.get("present", torch.ones(percepts["keypoints"].shape[:2]))
            present.append(shown.cpu().numpy())
    _, height, width, _ = frames.shape
    return to_pixels(np.concatenate(keypoints), height, width), np.concatenate(present)


def row(name: str, points: list[np.ndarray], truths: list[Truth]) -> dict:
    """One row of the table: recall of the sprites shown and of all, precision."""
    shown, every = KeypointScore(), KeypointScore()
    for here, truth in zip(points, truths, strict=True):
        shown += score(here, truth.shown)
        every += score(here, truth.objects)
    return {
        "keypoints": name,
        "recall": shown.recall,
        "recall_all": every.recall,
        "precision": shown.precision,
        "present": shown.keypoints / max(1, shown.frames),
        "sprites": shown.sprites,
        "counts": asdict(shown),
    }


def summary(model: str, rows: list[dict]) -> list[dict]:
    """The mean and the worst of several weights of a model, each column by itself."""
    both = []
    for word, of_all in (("mean", np.mean), ("worst", np.min)):
        shares = {key: float(of_all([r[key] for r in rows])) for key in SHARES}
        present = float(np.mean([r["present"] for r in rows]))
        name = f"{model}, {word} of {len(rows)}"
        both.append(
            {"keypoints": name, **shares, "present": present, "sprites": rows[0]["sprites"]}
        )
    return both


def score_game(game: str, options: argparse.Namespace) -> list[dict]:
    """Returns the rows of one game."""
    truths = play(game, options.frames, options.seed)
    rows = []
    counts: set[int] = set()
    if options.picture and not options.model:
        draw_sheet(Path(f"{options.picture}-{game}.png"), truths, [np.empty((0, 2))] * len(truths))
    for model in options.model:
        runs = []
        for weights in options.weights or [None]:
            where, present = perceive(model, weights, game, truths, options.device)
            counts.add(where.shape[1])
            name = model if weights is None else f"{model} {Path(weights).name}"
            shown = [w[p > 0.5] for w, p in zip(where, present, strict=True)]
            runs.append(row(name, shown, truths))
            rows.append(runs[-1])
            if (present <= 0.5).any():
                rows.append(row(f"{name}, all keypoints", list(where), truths))
            if options.picture:
                draw_sheet(
                    Path(f"{options.picture}-{game}-{name.replace(' ', '-')}.png"), truths, shown
                )
        rows += summary(model, runs) if len(runs) > 1 else []
    for count in sorted(counts) or [options.num_keypoints]:
        grid = grid_keypoints(count)
        rng = np.random.default_rng(options.seed)
        uniform = [uniform_keypoints(rng, count) for _ in truths]
        rows.append(row(f"fixed grid of {count}", [grid] * len(truths), truths))
        rows.append(row(f"{count} uniform points", uniform, truths))
    return rows


def draw_sheet(path: Path, truths: list[Truth], points: list[np.ndarray], scale: int = 3) -> None:
    """Writes a sheet of twelve frames with the objects' boxes and the keypoints.

    Boxes are white; grey if they count neither for nor against, or are hidden by flicker.
    """
    pictures = []
    for i in np.linspace(0, len(truths) - 1, 12).astype(int):
        truth = truths[i]
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
        for x, y in (points[i] * scale).round().astype(int).tolist():
            cv2.circle(picture, (x, y), 6, (0, 0, 0), -1)
            cv2.circle(picture, (x, y), 4, (0, 255, 0), -1)
        pictures.append(picture)
    sheet = np.vstack([np.hstack(pictures[i : i + 6]) for i in (0, 6)])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet[..., ::-1])
    print(f"wrote {path}")


def main() -> None:
    """Prints the table of each game, and writes JSON and pictures if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--game", nargs="+", required=True, help="games, e.g. MsPacman Pong")
    parser.add_argument("--model", nargs="*", default=[], help="motion, transporter")
    parser.add_argument("--weights", nargs="*", help="folders; several: mean and worst too")
    parser.add_argument("--frames", type=int, default=1000, help="frames scored in each game")
    parser.add_argument("--num-keypoints", type=int, default=10, help="of the baselines alone")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first episode")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, help="file to write the table to")
    parser.add_argument("--picture", help="beginning of the names of the sheets to write")
    options = parser.parse_args()
    try:
        games = [check_game(game) for game in options.game]
        table = {game: score_game(game, options) for game in games}
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from error
    print(
        f"{'game':14}{'keypoints':36}{'recall':>8}{'of all':>8}{'precision':>11}{'present':>9}"
        f"{'sprites':>9}"
    )
    for game, rows in table.items():
        for r in rows:
            print(
                f"{game:14}{r['keypoints']:36}{r['recall']:8.3f}{r['recall_all']:8.3f}"
                f"{r['precision']:11.3f}{r['present']:9.1f}{r['sprites']:9}"
            )
    if options.json:
        with write_atomically(options.json) as file:
            file.write(
                json.dumps(
                    {"options": vars(options), "table": table}, default=str, indent=1
                ).encode()
            )
        print(f"wrote {options.json}")


if __name__ == "__main__":
    main()
