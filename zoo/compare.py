"""Draws a sheet that compares keypoint models: rows are models, columns are games or frames.

    python zoo/compare.py --game MsPacman Seaquest -o sheet.png
    python zoo/compare.py --game MsPacman --noise both --columns 5 -o noisy.png
    python zoo/compare.py --game Frostbite --weights k15 k20 k25 -o ablation.png

Below each PermaKey are the error maps of its layers, bright where local prediction fails. Weights
for an ablation come from pretrain.py, e.g. ``--model permakey --game Frostbite -params
num_keypoints:15 --output k15``; for layers ``-params lsp_layers:[2,3] --output l23``.
"""

from __future__ import annotations

import argparse

from objwrappers.command_line import fail, output_path, run_program
from objwrappers.rendering.pictures import check_picture_path, write_picture
from objwrappers.scoring.comparison import compare


def main() -> None:
    """Plays, looks, draws and writes the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", required=True, help="one column each")
    add("--model", nargs="*", default=["transporter", "permakey"], help="one row or more each")
    add("--weights", nargs="+", default=[], help="folders instead of models: one row or more each")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("--columns", type=int, help="frames of each game (default: 1, or 5 of a single game)")
    add("--seed", type=int, default=0)
    add("-o", "--output", type=output_path, default="sheet.png")
    options = vars(parser.parse_args())
    output = options.pop("output")
    run_program(check_picture_path, output)
    if options["columns"] is not None and options["columns"] < 1:
        fail(f"--columns must be at least 1, got {options['columns']}.")
    sheet = run_program(compare, options.pop("game"), options.pop("model"), **options)
    write_picture(output, sheet)
    print(f"Wrote {output}")


if __name__ == "__main__":
    main()
