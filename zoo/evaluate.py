"""Evaluates trained agents, or the random policy, on the game's own score.

    python zoo/evaluate.py --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/evaluate.py --algo rdqn --env ObjKeypoints-MsPacman-v0 --all-runs --seeds 1 2 3
    python zoo/evaluate.py --algo random --env ObjKeypoints-MsPacman-v0

Whole games, unclipped scores, seeds that training does not see: seed s plays the games of the env
seeds s·N to s·N + N - 1, where N is the number of envs. Each env plays its share of the episodes,
so that short games are not preferred. Several agents (``-f``, ``--exp-id``, ``--all-runs``:
independent trainings) each play the episodes of every seed. Printed are the mean; the
interquartile mean of all episodes with a 95 % bootstrap interval; and, over several seeds, the
median of their means as PermaKey reports it.

Of ``IfO`` ids the task's own return is printed, of the expert who demonstrated, of the agents and
of the random policy, from the same starts and over as many steps, and how far joints and features
are from the demonstration:

    python zoo/evaluate.py --algo sac --env IfO-reacher-hard-v0 --env-kwargs split:held-out

``--json results.json`` writes all of it: ``scores`` (agents, seeds, episodes), and as flat lists in
that order, env by env, free-lunch saliency's ``rewards``, ``lengths`` (agent steps),
``elapsed_time`` (seconds since the seed's first step) and ``done_per_env`` (episodes that each env
ended, not all of which count).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.agents.evaluation import FIRST_SEED, Evaluation, evaluate
from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    fail,
    import_packages,
    output_path,
    run_program,
    write_json,
)
from objwrappers.registration import family_of
from objwrappers.scoring.imitation import IMITATION_HEADS, score_imitation
from objwrappers.scoring.tables import format_rows

EPISODES = 48


def print_summary(env_id: str, algo: str, played: Evaluation) -> None:
    """Prints a line or a few."""
    summary, lengths = played.summary, played.flat("lengths")
    several = summary["standard_error"] is not None
    spread = f" ± {summary['standard_error']:.1f} (standard error)" if several else ""
    print(
        f"{env_id}, {algo}: mean score {summary['mean']:.1f}{spread}, "
        f"median {summary['median']:.1f}, {len(lengths)} episodes of {np.mean(lengths):.0f} steps"
    )
    if several:
        low, high = summary["iqm_interval"]
        print(
            f"interquartile mean of the episodes {summary['iqm']:.1f} "
            f"(95 % of resamples: {low:.1f}, {high:.1f})"
        )
    if len(summary["agents"]) > 1:
        print("agents: " + ", ".join(f"{mean:.1f}" for mean in summary["agents"]))
    if len(summary["seed_means"]) > 1:
        spread = summary["std_of_median"]
        spread = "" if spread is None else f" ± {spread:.1f} (standard deviation)"
        print(f"median over seeds {summary['median_over_seeds']:.1f}{spread}")


def print_imitation(env_id: str, algo: str, options: dict[str, Any], path: Path | None) -> None:
    """Prints imitators beside their expert and a random policy."""
    names = ("folder", "exp_id", "episodes", "load_best", "device", "env_kwargs", "trust")
    given = {name: options[name] for name in names}
    rows = run_program(score_imitation, env_id, algo, seed=options["seeds"][0], **given)
    print(format_rows(rows, "player", IMITATION_HEADS))
    if path:
        write_json(path, {"options": {**given, "env": env_id, "algo": algo}, "table": rows})


def main() -> None:
    """Plays, prints the scores, and writes JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser, several=True)
    add = parser.add_argument
    add("--all-runs", action="store_true", help="all runs in the folders, whatever --exp-id")
    add("--episodes", type=int, help=f"of each agent and seed (default: {EPISODES})")
    add("--num-envs", type=int, default=16)
    add("--seeds", "--seed", type=int, nargs="+", default=[FIRST_SEED], help="of the episodes")
    add("--epsilon", type=float, default=0.0, help="share of actions that are random")
    add("--json", type=output_path, help="file to write the scores to")
    options = vars(parser.parse_args())
    import_packages(options.pop("gym_packages"))
    check_env_id(options["env"])
    path, env_id, algo = options.pop("json"), options.pop("env"), options.pop("algo")
    family = family_of(env_id)
    if family is not None and family.imitates:
        for name in ("num_envs", "epsilon", "all_runs", "deterministic"):
            if options[name] != parser.get_default(name):
                fail(f"--{name.replace('_', '-')} is not an option of imitators.")
        if len(options["seeds"]) > 1:
            fail("Imitators play demonstrations' episodes: give one seed.")
        print_imitation(env_id, algo, options, path)
        return
    if options["episodes"] is None:
        options["episodes"] = EPISODES
    played = run_program(evaluate, env_id, algo, **options)
    print_summary(env_id, algo, played)
    if path:
        scores = played.scores
        result = {
            "options": {**options, "env": env_id, "algo": algo},
            "paths": played.agents,
            "summary": played.summary,
            "scores": scores.tolist(),
            "rewards": scores.flatten().tolist(),
            **{name: played.flat(name) for name in ("lengths", "elapsed_time", "done_per_env")},
        }
        write_json(path, result)


if __name__ == "__main__":
    main()
