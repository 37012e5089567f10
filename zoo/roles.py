"""Finds out who is who in a game: the player, what harms it, what pays, walls and what vanishes.

    python zoo/roles.py --game MsPacman
    python zoo/roles.py --game Pong Breakout --noise both
    python zoo/roles.py --game MsPacman --picture roles.png
    python zoo/roles.py --game MsPacman --model ram
    python zoo/roles.py --game Pong MsPacman --check

A short random play is enough, and nothing is labelled. The roles go where
gym.make("ObjScene-MsPacman-v0", model="motion", relations=True, map=True) finds them; those of
--model ram, whose classes and player the console's memory knows, where
gym.make("ObjRAM-MsPacman-v0", relations=True, map=True) does.

With --check nothing is learned: the row that is called the player is compared with the player's
sprite, whose place memory knows, in play that learning does not see.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
from tqdm import tqdm

from objwrappers.command_line import output_path, run_program
from objwrappers.games import check_game
from objwrappers.perception.scenes.listed import ListedScene
from objwrappers.pretraining.roles import LearnedRoles, learn_roles
from objwrappers.pretraining.roles.learning import CLASSES
from objwrappers.rendering.roles import draw_roles
from objwrappers.scoring.keypoints import FIRST_SEED
from objwrappers.scoring.players import PLAYER_HEADS, score_player
from objwrappers.scoring.tables import format_rows


def main() -> None:
    """Plays and learns, then says who is who and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", required=True, help="as ids spell it, e.g. MsPacman")
    add("--model", default="motion", help="of scenes: motion, space_time, space; ram")
    add("--classes", choices=CLASSES, help="in the play, or those of the weights")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("--weights", help="folder or hub repository; default: those that gym.make finds")
    add("--output", type=Path, help="folder, of a single game; default: the user's cache")
    add("--steps", type=int, default=1500, help="of each env")
    add("--num-envs", type=int, default=16)
    add("--seed", type=int, default=0)
    add("--device", default="auto")
    add("--picture", type=output_path, help="PNG of the scenery; of several games NAME-GAME.png")
    add("--check", action="store_true", help="compare the player with the console's memory")
    options = vars(parser.parse_args())
    games, picture = options.pop("game"), options.pop("picture")
    if options.pop("check"):
        _check(parser, games, picture, options)
        return
    if options["output"] and len(games) > 1:
        parser.error("--output is the folder of one game.")
    command = shlex.join(["python", "zoo/roles.py", *sys.argv[1:]])
    for game in games:
        with tqdm(unit="step", desc=game, disable=None) as bar:
            made = run_program(learn_roles, game, **options, report=bar.update, command=command)
        _tell(made)
        if picture:
            path = picture if len(games) == 1 else picture.with_stem(f"{picture.stem}-{game}")
            imageio.imwrite(path, draw_roles(made.frame, made.roles))
            print(f"Wrote {path}")
        if made.roles.player is None:
            continue
        print(f"Next: {_filming(check_game(game), options)}")


def _check(
    parser: argparse.ArgumentParser, games: list[str], picture: Path | None, options: dict[str, Any]
) -> None:
    of_learning = {"picture": picture, **{n: options[n] for n in ("classes", "output", "num_envs")}}
    for name, value in of_learning.items():
        if value != parser.get_default(name):
            parser.error(f"--{name.replace('_', '-')} is of learning: leave --check out.")
    if options["model"] == ListedScene.name:
        parser.error("--check compares what a model sees with memory: it takes none of memory's.")
    chosen = {key: options[key] for key in ("model", "noise", "weights", "steps", "device")}
    rows = []
    for game in tqdm(games, unit="game", disable=None):
        try:
            rows.append(score_player(game, **chosen, seed=FIRST_SEED + options["seed"]))
        except (FileNotFoundError, ValueError) as error:
            print(f"{game}: {error}", file=sys.stderr)
    if not rows:
        raise SystemExit(1)
    print(format_rows(rows, "game", PLAYER_HEADS))


def _filming(game: str, options: dict[str, Any]) -> str:
    """Returns the command that films what an agent sees by these roles."""
    of_memory = options["model"] == ListedScene.name
    told = {
        "model": None if of_memory else options["model"],
        "noise": None if options["noise"] == "none" else options["noise"],
        "weights": options["weights"],
        "roles": options["output"],
        "relations": True,
        "map": True,
    }
    words = [f"{name}:{value}" for name, value in told.items() if value is not None]
    env = f"{'ObjRAM' if of_memory else 'ObjScene'}-{game}-v0"
    return shlex.join(
        ["python", "zoo/record.py", "--env", env, "--env-kwargs", *words, "-o", f"{game}.mp4"]
    )


def _tell(made: LearnedRoles) -> None:
    roles = made.roles
    columns = (roles.classifier.labels, roles.classifier.rows, roles.agency, roles.harm)
    for label, rows, agency, harm, worth in zip(*columns, roles.worth, strict=True):
        print(
            f"{label}: {rows} row{'s' if rows > 1 else ''}, actions explain {agency:.1%} of its "
            f"movement, a touch costs {harm:.2f} lives and pays {worth:.1f}"
        )
    if roles.player is None:
        print("No player was found: nothing moves as the actions say.")
    print(f"Wrote {made.folder}/config.json and model.safetensors")


if __name__ == "__main__":
    main()
