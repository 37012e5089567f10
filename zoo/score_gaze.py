"""Scores gaze models on recorded human play, beside maps that know little or nothing of a frame.

    python zoo/score_gaze.py --game MsPacman --trials atari_head --model deconv gcu motion
    python zoo/score_gaze.py --trials atari_head --model deconv --picture gaze.png --film gaze.mp4

Frames are told by their numbers: by default models learned from the first 10,000 of each trial, and
are scored on those after them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.command_line import fail, run_program, write_json
from objwrappers.perception.loading import load_model, model_of
from objwrappers.scoring.gaze import GAZE_HEADS, open_play, score_gaze
from objwrappers.scoring.gaze_pictures import write_gaze_film, write_gaze_sheet
from objwrappers.scoring.tables import format_table


def main() -> None:
    """Prints the table, and writes JSON, a sheet and a film if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add(
        "--trials",
        type=Path,
        required=True,
        help="Atari-HEAD's folder, zip or trial, or a recording",
    )
    add("--game", help="of the trials, where they are of several")
    add("--model", nargs="*", default=[], help="deconv, gcu, motion")
    add("--weights", nargs="+", default=[], help="folders")
    add("--first", type=int, default=10_001, help="number of the first frame scored")
    add("--last", type=int, help="number of the last one (default: all)")
    add("--trained", type=int, default=9_000, help="number of the last frame of the mean gaze")
    add("--device", default="auto")
    add("--seed", type=int, default=0, help="of the shuffled AUC's negatives")
    add("--json", type=Path, help="file to write the table to")
    add("--picture", type=Path, help="of the first model's best, middling and worst frames")
    add("--film", type=Path, help="of the first model, of the frames of the first trial")
    options = vars(parser.parse_args())
    path, picture, film = (options.pop(name) for name in ("json", "picture", "film"))
    trials, models = options.pop("trials"), options.pop("model")
    if (picture or film) and not (models or options["weights"]):
        fail("--picture and --film show a model: give --model or --weights.")
    table = run_program(score_gaze, trials, models, **options)
    print(format_table(table, "gaze", GAZE_HEADS))
    if path:
        write_json(path, {"options": {**options, "model": models}, "table": table})
    for written, write in ((picture, write_gaze_sheet), (film, write_gaze_film)):
        if written:
            recording = open_play(trials, options["game"])[0]
            weights = None if models else options["weights"][0]
            name = model_of(weights) if weights else models[0]
            model = load_model(name, recording.task, weights, options["device"], family="gaze")
            run_program(write, written, model, recording, options["first"], options["last"])
            print(f"Wrote {written}")


if __name__ == "__main__":
    main()
