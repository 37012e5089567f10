"""Fetches recorded human play with eye tracking (Atari-HEAD), and verifies it.

    python zoo/download.py --game ms_pacman
    python zoo/download.py --game MsPacman --verify

A download that was interrupted goes on with the same command. ``--verify`` fetches nothing: it
reads all that is there and tells what can be used of each trial, and what cannot, and why.
"""

from __future__ import annotations

import argparse

import objwrappers
from objwrappers.command_line import output_folder, run_program
from objwrappers.datasets.atari_head import verify
from objwrappers.datasets.atari_head.zenodo import CITATION, LICENCE, data_folder


def main() -> None:
    """Fetches or verifies, and says what to do next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", required=True, help="one of 20, e.g. ms_pacman or MsPacman")
    add("--folder", type=output_folder, help="default: in the user's cache")
    add("--verify", action="store_true", help="read what is there instead of fetching")
    options = parser.parse_args()
    if options.verify:
        found = run_program(verify, options.folder or data_folder(), options.game)
        print(found)
        raise SystemExit(0 if found.ok else 1)
    print(f"Licence: {LICENCE}\nPlease cite: {CITATION}")
    folder = run_program(objwrappers.download, options.game, options.folder, progress=True)
    print(f"The trials of {options.game} are in {folder}")
    given = f" --folder {options.folder}" if options.folder else ""
    print(f"Next: python zoo/download.py --game {options.game}{given} --verify")


if __name__ == "__main__":
    main()
