"""Films an env with what perception sees in it, played at random or by a trained agent.

    python zoo/record.py --env ObjKeypoints-MsPacman-v0 -o mspacman.mp4
    python zoo/record.py --env ObjKeypoints-MsPacman-v0 --algo ppo -f logs -o agent.gif

Frames go to the film one by one, so that its length costs no memory. With ``--algo`` the agent
is found as zoo/enjoy.py finds it. Agents are pickles in part, and loading one can run code: only
load agents you trust.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import check_env_id, fail, import_packages
from players import (
    RandomPolicy,
    acts_greedily,
    add_agent_options,
    env_kwargs_of,
    find_agent,
    make_test_env,
)
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv
from tqdm import trange

from objwrappers.rendering.video import VideoWriter


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; the words are RL Zoo's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser)
    add = parser.add_argument
    add("-o", "--output", help="film.mp4 or film.gif (default: ENV.mp4)")
    add("-n", "--n-timesteps", type=int, default=500, help="frames of the film")
    add("--fps", type=float, help="frames per second (default: the env's, 15)")
    add("--seed", type=int, default=0)
    add("-P", "--progress", action="store_true", help="show a progress bar")
    return parser.parse_args()


def film(
    env: VecEnv,
    policy: BaseAlgorithm | RandomPolicy,
    video: VideoWriter,
    steps: int,
    deterministic: bool,
    progress: bool,
) -> list[float]:
    """Plays one env and writes a frame for each step.

    Returns:
        The returns of the episodes that ended.
    """
    returns = []
    total = 0.0
    state: Any = None
    start = np.ones(1, bool)
    observation: Any = env.reset()
    for _ in trange(steps, unit="frame", disable=not progress):
        picture = env.get_images()[0]
        if picture is None:
            fail("the env has no pictures: it does not support render_mode='rgb_array'.")
        video.append(picture)
        action, state = policy.predict(
            observation, state=state, episode_start=start, deterministic=deterministic
        )
        observation, rewards, start, _ = env.step(action)
        total += float(rewards[0])
        if start[0]:
            returns.append(total)
            total = 0.0
    return returns


def main() -> None:
    """Loads, films, and says what was written."""
    args = parse_arguments()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if args.n_timesteps < 1:
        fail(f"-n must be at least 1, got {args.n_timesteps}.")
    set_random_seed(args.seed)
    output = Path(args.output or f"{args.env}.mp4")
    try:
        agent = find_agent(args)
        env = make_test_env(args.env, agent, env_kwargs_of(args), args.seed)
        rates: Any = [args.fps, env.metadata.get("render_fps"), 15]
        fps = float(next(rate for rate in rates if rate is not None))
        writer = VideoWriter(output, fps)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        fail(str(error))
    deterministic = args.deterministic or acts_greedily(args.algo, args.env)
    policy = agent.model if agent else RandomPolicy(env, args.seed)
    try:
        with writer as video:
            returns = film(env, policy, video, args.n_timesteps, deterministic, args.progress)
    except OSError as error:
        fail(f"{output} cannot be written: {error}")
    env.close()
    print(f"Wrote {output}: {video.frames} frames, {video.frames / fps:.1f} s at {fps:g} fps.")
    player = f"{args.algo} agent {agent.path}" if agent else "random policy"
    scores = ", ".join(f"{value:g}" for value in returns) or "none ended"
    print(f"Played by: {player}. Returns of its episodes: {scores}.")
    if not agent:
        print(f"Train an agent to film: python zoo/train.py --algo ppo --env {args.env}")


if __name__ == "__main__":
    main()
