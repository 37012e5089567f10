"""Runs a grid of any program: seeds and alternatives, on this machine or on a Ray cluster.

    python zoo/sweep.py space_time --options game:Pong
    python zoo/sweep.py my.yml --sets standard --cpus 2 --dry-run
    python zoo/sweep.py my.yml --address 10.0.0.1:6379 --gpus 1

The file (or the name of one in hyperparams/sweeps) names a program, its options and sets of
alternatives. Each run has a folder with its command, log and result. Started again, the sweep goes
on: finished runs are passed over. At its end stands a table of means and deviations over seeds.
"""

from __future__ import annotations

import argparse
import shlex
import textwrap
from pathlib import Path
from typing import Any

from objwrappers.command_line import KeyValues, output_folder, run_program
from objwrappers.sweeps.driver import SUMMARY_NAME, sweep, sweep_folder
from objwrappers.sweeps.folder import is_finished
from objwrappers.sweeps.plan import find_plan, read_plan


def main() -> None:
    """Runs what is left to run, or says what it would be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("file", help="YAML, or a name in hyperparams/sweeps")
    add("--sets", nargs="+", help="of the file; default: all")
    changes: dict[str, Any] = {"nargs": "+", "action": KeyValues, "metavar": "key:value"}
    add("--options", default={}, **changes, help="instead of the file's, hyperparams.batch_size:4")
    add(
        "-f",
        "--log-folder",
        type=output_folder,
        help="default: logs/sweeps/<file>; shared by the nodes",
    )
    add("--cpus", type=float, default=1, help="processors of each run")
    add("--gpus", type=float, default=0, help="GPUs of each run, also parts of one")
    add("--address", help="of a Ray cluster, host:port or auto; default: this machine")
    add("--retries", type=int, default=1, help="of a run that failed")
    add("--dry-run", action="store_true", help="print the commands")
    options = vars(parser.parse_args())
    file, folder = options.pop("file"), options.pop("log_folder")
    if options.pop("dry_run"):
        run_program(_show, file, folder, options["sets"], options["options"])
        return
    try:
        outcome = run_program(sweep, file, folder, **options, report=_say)
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. Next: the same command goes on.") from None
    print(f"\n{outcome.table}")
    print(f"Wrote {outcome.folder / SUMMARY_NAME}")
    for name, error in outcome.failed.items():
        print(f"\nfailed: {name} ({outcome.folder / name})\n{textwrap.indent(error, '  ')}")
    if outcome.failed:
        print("\nNext: the same command runs those that failed once more.")
        raise SystemExit(1)


def _show(file: str, folder: Path | None, sets: list[str] | None, options: dict) -> None:
    folder = sweep_folder(file, folder)
    for run in read_plan(find_plan(file), folder, sets, options):
        print(f"# {run.name}{', finished' if is_finished(folder / run.name) else ''}")
        for words in run.commands:
            print(shlex.join(["python", *words]))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
