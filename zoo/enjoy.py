"""Watches a trained agent and prints the scores of its episodes: RL Zoo's enjoy program.

    python zoo/enjoy.py --algo ppo --env ObjKeypoints-MsPacman-v0

All options are RL Zoo's (``--help``). Agents are looked for in ``logs`` by default. A window
opens only where there is a display and pygame; ``--no-render`` never opens one. In Atari games
actions are sampled unless ``--deterministic`` is given, as RL Zoo does for Atari; value-based
agents (DQN, QR-DQN, RecurrentDQN) take the best one.

Agents are pickles in part, and loading one can run code: only load agents you trust.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import rl_zoo3.enjoy
from common import (
    LOG_FOLDER,
    VECTOR_ONLY,
    KeyValues,
    check_env_id,
    fail,
    import_packages,
    is_ours,
    takes_device,
    without,
)
from players import acts_greedily, folder_with_agents, runs_with_agents, trained_with
from rl_zoo3.exp_manager import ExperimentManager
from rl_zoo3.utils import create_test_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

CHECKPOINTS = {"--load-checkpoint", "--load-last-checkpoint"}


def main(arguments: list[str]) -> None:
    """Fills in this repository's defaults and calls RL Zoo's program."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--algo", default="ppo")
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("-f", "--folder", default=LOG_FOLDER)
    parser.add_argument("--exp-id", type=int, default=0)
    parser.add_argument("--load-best", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--no-render", action="store_true")
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--stochastic", action="store_true")
    parser.add_argument("--gym-packages", nargs="+", default=[])
    parser.add_argument("--env-kwargs", nargs="+", default=[])
    options, _ = parser.parse_known_args(arguments)

    if not {"-h", "--help"} & set(arguments):
        import_packages(options.gym_packages)
        check_env_id(options.env)
        wanted = (options.algo, options.env, options.folder)
        options.folder = folder_with_agents(*wanted, options.load_best)
        wanted = (options.algo, options.env, options.folder)
        arguments = [*arguments, "--folder", options.folder]
        if not Path(options.folder, options.algo).is_dir():
            fail(
                f"there are no {options.algo} agents in {options.folder}. Train one: "
                f"python zoo/train.py --algo {options.algo} --env {options.env}"
            )
        if is_ours(options.env):
            # Several envs in this process: no model, no CUDA context for each of them.
            ExperimentManager.default_vec_env_cls = DummyVecEnv
            rl_zoo3.enjoy.create_test_env = _create_whole_games  # type: ignore[assignment]
            rl_zoo3.enjoy.get_saved_hyperparams = _saved_hyperparams  # type: ignore[assignment]
        runs = runs_with_agents(*wanted, options.load_best)
        if options.exp_id == 0 and runs and not CHECKPOINTS & set(arguments):
            # RL Zoo takes the latest run, though it may have no agent yet.
            arguments += ["--exp-id", str(runs[-1])]
        if is_ours(options.env) and takes_device(options.env):
            # First, so that a device among the user's own options wins.
            kwargs = [f"device:{options.device!r}", *options.env_kwargs]
            arguments += ["--env-kwargs", *kwargs]
        greedy = options.deterministic or acts_greedily(options.algo, options.env)
        if not (greedy or options.stochastic):
            arguments += ["--stochastic"]
        if not options.no_render and (reason := _no_window()):
            print(f"No window: {reason}. Film the agent instead: python zoo/record.py")
            arguments += ["--no-render"]
    sys.argv[1:] = arguments
    rl_zoo3.enjoy.StoreDict = KeyValues  # type: ignore[misc]
    try:
        rl_zoo3.enjoy.enjoy()
    except (AssertionError, FileNotFoundError, ValueError) as error:
        # RL Zoo asserts that there is a log folder.
        fail(str(error))


def _create_whole_games(env_id: str, **options: Any) -> VecEnv:
    # Single envs do not know these options either.
    given = options.pop("env_kwargs", None) or {}
    return create_test_env(env_id, env_kwargs=without(given, VECTOR_ONLY), **options)


def _saved_hyperparams(path: str, **_: Any) -> tuple[dict[str, Any], str | None]:
    hyperparams, stats_path, env_kwargs = trained_with(Path(path).parent, Path(path).name)
    return {**hyperparams, "env_kwargs": env_kwargs}, stats_path


def _no_window() -> str | None:
    """Returns why no window can open, or None if one can."""
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display"
    if importlib.util.find_spec("pygame") is None:
        return "pygame is not installed"
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
