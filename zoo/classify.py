"""Names what a scene model finds, by a few examples of each class from the console's memory.

    python zoo/classify.py --model space_time --game MsPacman --shots 256
    python zoo/classify.py --model space_time --game Pong --weights folder --output names --separate

The classifier is stored with the weights, where gym.make finds them, or by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.command_line import run_program
from objwrappers.games import check_game
from objwrappers.metrics.encodings import METHODS
from objwrappers.scoring.classification import label_scenes


def main() -> None:
    """Fits and stores the classifier, then says how good it is and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", default="space_time", help="space_time, space, motion")
    add("--game", required=True, help="as ids spell it, e.g. MsPacman")
    add("--weights", help="folder or hub repository; default: those that gym.make finds")
    add("--shots", type=int, default=256, help="examples of each class at most")
    add("--method", default="logistic", choices=METHODS)
    add("--frames", type=int, default=500, help="played for examples; half as many check them")
    add("--output", type=Path, help="folder; default: the user's cache")
    add("--separate", action="store_true", help="write the classifier alone")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("--seed", type=int, default=0, help="of the choice of examples")
    add("--device", default="auto")
    options = vars(parser.parse_args())
    model, game = options.pop("model"), options.pop("game")
    made = run_program(label_scenes, model, game, **options)
    for label, rows in zip(made.labels, made.rows, strict=True):
        print(f"{label}: {rows} row{'s' if rows > 1 else ''}")
    print(
        f"{made.accuracy:.3f} of the detections of these classes in other episodes are named right"
    )
    print(f"Wrote {made.output}/config.json and model.safetensors")
    kind = "classifier" if options["separate"] else "weights"
    given = f' {kind}:"{str(made.output)!r}"' if options["output"] else ""
    if options["separate"] and options["weights"]:
        given = f' weights:"{options["weights"]!r}"{given}'
    env = f"ObjScene-{check_game(game)}-v0"
    print(f"Next: python zoo/record.py --env {env} --env-kwargs model:{model}{given} -o scene.mp4")


if __name__ == "__main__":
    main()
