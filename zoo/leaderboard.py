"""Trains and scores agents over a grid, and writes a page with tables and pictures.

    python zoo/leaderboard.py leaderboard
    python zoo/leaderboard.py leaderboard --only game=Pong observation=pixels,scenes budget=100000
    python zoo/leaderboard.py leaderboard --report

The plan (YAML, or the name of one in hyperparams/boards) names games, observations, budgets of
agent steps, noises and seeds. Each cell is a training by train.py and whole games by evaluate.py.
Started again, the grid goes on: finished cells are passed over, others start anew. Results are kept
in zoo/leaderboard/<plan>.json, which travels without the agents; --report makes the page,
<plan>.md and PNGs beside it, from that and from what else is finished.
"""

from __future__ import annotations

import argparse
import textwrap

from objwrappers.boards.cells import AXES
from objwrappers.boards.driver import leaderboard
from objwrappers.command_line import fail, output_folder, output_path, run_program


def main() -> None:
    """Runs what is left to run, and writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("plan", nargs="?", default="leaderboard", help="YAML, or a name in hyperparams/boards")
    add("-f", "--log-folder", type=output_folder, help="of agents (default: logs/boards/<plan>)")
    add("--export", type=output_path, help="of results (default: zoo/leaderboard/<plan>.json)")
    add("--only", nargs="+", default=[], metavar="axis=value,...", help=f"of {', '.join(AXES)}")
    add("--jobs", type=int, default=1, help="cells at once, which share the processors")
    add("--report", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    try:
        outcome = run_program(
            leaderboard,
            options.plan,
            options.log_folder,
            export=options.export,
            only=parse_only(options.only),
            jobs=options.jobs,
            run=not options.report,
            report=lambda line: print(line, flush=True),
        )
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. Next: the same command goes on.") from None
    print("Wrote", ", ".join(map(str, [outcome.export, *outcome.written])))
    for name, error in outcome.failed.items():
        print(f"\nfailed: {name}\n{textwrap.indent(error, '  ')}")
    if outcome.failed:
        print("\nNext: the same command runs those that failed once more.")
        raise SystemExit(1)
    if outcome.missing:
        left_out = "--report" if options.report else "--only"
        print(f"{len(outcome.missing)} cells are missing. Next: the same without {left_out}.")


def parse_only(words: list[str]) -> dict[str, list[str]]:
    """Reads ``axis=value,value`` words."""
    only: dict[str, list[str]] = {}
    for word in words:
        axis, equals, values = word.partition("=")
        if not equals or not all(values.split(",")):
            fail(f"--only takes axis=value,value, got {word!r}.")
        only.setdefault(axis, []).extend(values.split(","))
    return only


if __name__ == "__main__":
    main()
