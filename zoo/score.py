"""Scores keypoints, or scenes, against the objects that the console's memory knows.

A uniformly random policy plays seeds that training never sees; frames are what the envs give
(maximum of the last two raw frames, frame skip 4, no sticky actions).

    python zoo/score.py --game MsPacman Pong --model motion transporter --noise none both
    python zoo/score.py --game Pong --model space_time --picture scenes
    python zoo/score.py --family scenes --game Pong --model motion space_time
    python zoo/score.py --family translation --game reacher-hard --contexts default mismatch-all

Context translation is scored on the held-out tenth of demonstrations, as they were recorded, and
drawn anew in pairs of --contexts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from objwrappers.command_line import fail, output_path, run_program, write_json
from objwrappers.envs.distractors import MOTIONS
from objwrappers.perception.loading import family_and_model_of
from objwrappers.perception.registry import family_of_model
from objwrappers.scoring.keypoints import FIRST_SEED, score
from objwrappers.scoring.scenes import score_scenes
from objwrappers.scoring.tables import HEADS, SCENE_HEADS, format_rows, format_table
from objwrappers.scoring.translation import MISMATCHES, TRANSLATION_HEADS, score_translation

FAMILIES: dict[str, tuple[Callable[..., Any], str, dict[str, str]]] = {
    "keypoints": (score, "keypoints", HEADS),
    "scenes": (score_scenes, "scene", SCENE_HEADS),
}
OWN = {
    "keypoints": ("num_keypoints", "refine"),
    "scenes": ("pool", "steps", "num_boxes"),
    "translation": ("contexts", "demonstration"),
}
"""Options that only one family has."""
TRANSLATION = "translation"
GAMES_ALONE: dict[str, Any] = {"noise": ["none"], "noise_motion": "iid", "frames": 1000}
"""Option that only games have → its default."""


def _family_of(models: list[str], weights: list[str]) -> str:
    if models:
        return family_of_model(models[0])
    return family_and_model_of(weights[0])[0] if weights else "keypoints"


def _score_translation(
    tasks: list[str], models: list[str], options: dict[str, Any], path: Path | None
) -> None:
    for name in ("noise", "noise_motion", "frames"):
        if options[name] != GAMES_ALONE[name]:
            fail(f"--{name.replace('_', '-')} is of games, not of context translation.")
    contexts = options.get("contexts")
    weights = options["weights"] or [None]
    if len(tasks) > 1 or models not in ([], ["context_translation"]) or len(weights) > 1:
        fail("One task and one set of weights are scored at a time.")
    if contexts and len(contexts) % 2:
        fail(f"--contexts are pairs of source and target, got {len(contexts)} names.")
    picture = options["picture"] and f"{options['picture']}-{tasks[0]}.png"
    given = {
        "weights": weights[0],
        "demonstration": options.get("demonstration"),
        "pairs": list(zip(contexts[::2], contexts[1::2], strict=True)) if contexts else MISMATCHES,
        "seed": options["seed"],
        "device": options["device"],
        "picture": picture,
    }
    rows = run_program(score_translation, tasks[0], **given)
    print(format_rows(rows, "contexts", TRANSLATION_HEADS))
    if picture:
        print(f"Wrote {picture}")
    if path:
        write_json(path, {"options": {**given, "task": tasks[0]}, "table": rows})


def main() -> None:
    """Prints the table of each game, and writes JSON and pictures if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add(
        "--family",
        choices=[*FAMILIES, TRANSLATION],
        help="default: the model's; of motion, keypoints",
    )
    add("--game", nargs="+", required=True, help="games, e.g. MsPacman Pong")
    add("--model", nargs="*", default=[], help="motion, permakey, transporter; space_time, space")
    add("--weights", nargs="+", default=[], help="folders; of keypoints their mean and worst too")
    add(
        "--noise",
        nargs="+",
        default=GAMES_ALONE["noise"],
        help="bars: none, vertical, horizontal, both",
    )
    add("--noise-motion", default=GAMES_ALONE["noise_motion"], choices=MOTIONS)
    add("--frames", type=int, default=GAMES_ALONE["frames"], help="frames scored in each game")
    add("--num-keypoints", type=int, help="keypoints: of the baselines alone, 10")
    add("--refine", action="store_true", default=None, help="keypoints: a second look, too")
    add("--num-boxes", type=int, help="scenes: of the fixed grid, 10")
    add("--pool", type=int, help="scenes: frames that few-shot examples come from, 500")
    add("--steps", type=int, help="scenes: over which identity switches are counted, 500")
    add("--contexts", nargs="+", help="translation: source, target, ... (default: mismatches)")
    add("--demonstration", type=Path, help="translation: a folder of zoo/collect.py --task")
    add("--seed", type=int, default=FIRST_SEED, help="of the first episode; of drawn contexts")
    add("--device", default="auto")
    add("--json", type=output_path, help="file to write the table to")
    add("--picture", help="beginning of the names of the pictures to write")
    options = vars(parser.parse_args())
    path, family = options.pop("json"), options.pop("family")
    games, models = options.pop("game"), options.pop("model")
    family = family or run_program(_family_of, models, options["weights"])
    if family not in FAMILIES and family != TRANSLATION:
        fail(f"{family} models are scored by python zoo/saliency.py.")
    for other, names in OWN.items():
        for name in names:
            value = options.pop(name)
            if value is not None and other != family:
                fail(f"--{name.replace('_', '-')} is an option of --family {other}.")
            if value is not None:
                options[name] = value
    if family == TRANSLATION:
        _score_translation(games, models, options, path)
        return
    function, kind, heads = FAMILIES[family]
    table = run_program(function, games, models, **options)
    print(format_table(table, kind, heads))
    if options["picture"]:
        print(f"Wrote {options['picture']}-*.png")
    if path:
        given = {**options, "family": family, "game": games, "model": models}
        write_json(path, {"options": given, "table": table})


if __name__ == "__main__":
    main()
