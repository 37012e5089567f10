"""Compares methods of saliency on what a trained agent sees, by figures and on a sheet.

    python zoo/compare_saliency.py --algo ppo --env ObjFrames-Breakout-v0 -o saliency.png

The agent plays; some of its observations are kept. For each method are printed:

* ``deletion``, ``insertion``: area under the curve of the probability of the agent's action, the
  more of the most salient pixels are blurred (less is better), or are given back (more is better)
* ``like random``: Spearman's rank correlation with the maps of the same network once its outputs,
  and once all its weights, are random; a method that shows what was learnt is far from 1, but for
  the network's own attention, which does not depend on its outputs
* ``ms``: time of one observation

next to two maps that know nothing of the agent: ``noise``, blurred, and ``edges``, how much the
newest frame differs from its blurred self. The sheet shows the first observations, each map on a
scale of its own.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

import numpy as np

from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    fail,
    import_packages,
    output_path,
    run_program,
    write_json,
)
from objwrappers.rendering.pictures import check_picture_path, write_picture
from objwrappers.rendering.saliency import COLOURS
from objwrappers.sb3.saliency import METHODS
from objwrappers.sb3.saliency.policy_outputs import TARGETS
from objwrappers.scoring.saliency import compare_saliency


def main() -> None:
    """Plays, measures, prints, draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser)
    add = parser.add_argument
    add("--seed", type=int, default=0, help="of the games that are looked at")
    add("--observations", type=int, default=32, help="to measure on")
    add("--methods", nargs="+", choices=[*METHODS], default=[], metavar="METHOD", help="or all")
    add("--target", choices=TARGETS, default="action", help="whose saliency")
    add("--rows", type=int, default=4, help="observations on the sheet")
    add("--colours", choices=[*COLOURS], default="inferno")
    add("-o", "--output", type=output_path, help="sheet, .png, .jpg or .webp")
    add("--json", type=output_path, help="file to write the figures to")
    options = vars(parser.parse_args())
    import_packages(options.pop("gym_packages"))
    names = ("env", "algo", "rows", "colours", "output", "json")
    env_id, algo, rows, colours, output, path = (options.pop(name) for name in names)
    check_env_id(env_id)
    if options["observations"] < 1 or rows < 1:
        fail(
            f"--observations and --rows must be at least 1, got {options['observations']}, {rows}."
        )
    if output:
        run_program(check_picture_path, output)
    compared = run_program(compare_saliency, algo, env_id, **options)
    print(f"{compared.path}, {len(compared.observations)} observations")
    head = ("deletion", "insertion", "like random:", "outputs", "weights", "ms")
    print("{:<22}{:>10}{:>10}{:>14}{:>9}{:>9}{:>9}".format("", *head))
    figures = {}
    for name in compared.methods:
        figures[name] = asdict(compared.measure(name))
        shown = [f"{value:.2f}" if np.isfinite(value) else "" for value in figures[name].values()]
        print("{:<22}{:>10}{:>10}{:>23}{:>9}{:>9}".format(name, *shown), flush=True)
    if path:
        write_json(path, {"options": {**options, "env": env_id, "algo": algo}, "figures": figures})
    if output:
        write_picture(output, compared.sheet(rows, colours))
        print(f"Wrote {output}")


if __name__ == "__main__":
    main()
