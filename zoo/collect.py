"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

    python zoo/collect.py --game MsPacman -n 20000
    python zoo/collect.py --game MsPacman --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/collect.py --game MsPacman --noise both --folder noisy

An interrupted recording goes on with the same command. Agents are pickles in part, and loading
one can run code: only load agents you trust.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from objwrappers.datasets.frames import FrameWriter
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.rendering.bars import check_noise

STEPS_PER_SHARD = 128

Play = Iterator[tuple[np.ndarray, np.ndarray]]


def frames_folder(game: str, noise: str = "none") -> Path:
    """Returns the folder in the user's cache where a game's frames are kept."""
    name = check_game(game)
    return cache_folder("frames", name if noise == "none" else f"{name}-{noise}")


def play_at_random(game: str, num_envs: int, rng: np.random.Generator, noise: str = "none") -> Play:
    """Yields frames uint8 (N, H, W, 3) and starts bool (N,), step by step, for ever."""
    env = make_atari_vec(game, num_envs, noise=noise)
    frames, _ = env.reset(seed=int(rng.integers(2**30)))
    starts, done = np.ones(num_envs, bool), np.zeros(num_envs, bool)
    while True:
        yield frames, starts
        actions = rng.integers(env.single_action_space.n, size=num_envs)  # type: ignore[attr-defined]
        frames, _, terminated, truncated, _ = env.step(actions)
        # Next-step autoreset: the frame after an episode's last begins the next one.
        starts, done = done, terminated | truncated


def play_by_agent(
    algo: str,
    env_id: str,
    folder: str,
    num_envs: int,
    rng: np.random.Generator,
    noise: str = "none",
) -> Play:
    """Yields what a trained agent makes of the game, as :func:`play_at_random` does.

    Raises:
        FileNotFoundError: There is no such agent.
    """
    from common import check_env_id, import_packages
    from players import load_agent, make_vec_env

    import_packages([])
    check_env_id(env_id)
    agent = load_agent(algo, env_id, folder)
    env = make_vec_env(env_id, agent, num_envs, {"noise": noise, "render_mode": "rgb_array"})
    env.seed(int(rng.integers(2**30)))
    observation = env.reset()
    starts = np.ones(num_envs, bool)
    state = None
    while True:
        # The wrapper that transforms the frames keeps the last native ones.
        yield env.get_attr("pictures", 0)[0], starts
        actions, state = agent.model.predict(
            observation,  # type: ignore[arg-type]
            state,
            starts,
            deterministic=False,
        )
        observation, _, starts, _ = env.step(actions)


def collect(
    game: str,
    folder: Path,
    num_frames: int,
    seed: int = 0,
    num_envs: int = 8,
    agent: tuple[str, str, str] | None = None,
    progress: bool = True,
    noise: str = "none",
) -> int:
    """Records until the folder holds ``num_frames`` frames; returns how many it holds.

    Args:
        game: ``"MsPacman"``.
        folder: Made if absent; a recording there continues, with episodes of fresh seeds.
        num_frames: Frames of all envs together, rounded up to whole shards.
        seed: Of the envs and the policy.
        num_envs: Envs side by side.
        agent: Algorithm, id and log folder of a trained agent; None plays at random.
        progress: Show a bar.
        noise: Distractor bars on the frames.

    Raises:
        ValueError: No such game or noise, or the folder holds frames of another recording.
        FileNotFoundError: There is no such agent.
    """
    policy = f"{agent[0]} on {agent[1]}" if agent else "random"
    facts = {"game": check_game(game), "policy": policy, "seed": seed}
    if check_noise(noise) != "none":
        facts["noise"] = noise
    if num_frames < 1 or num_envs < 1:
        raise ValueError(f"-n and --num-envs must be at least 1, got {num_frames}, {num_envs}.")
    writer = FrameWriter(folder, facts)
    recorded = writer.num_frames
    if recorded >= num_frames:
        return recorded
    # Past frames shift the seeds, so that a continued recording does not repeat itself.
    rng = np.random.default_rng((seed, recorded))
    play = (
        play_by_agent(*agent, num_envs=num_envs, rng=rng, noise=noise)
        if agent
        else play_at_random(game, num_envs, rng, noise)
    )
    with tqdm(total=num_frames, initial=recorded, unit="frame", disable=not progress) as bar:
        while writer.num_frames < num_frames:
            block = [next(play) for _ in range(STEPS_PER_SHARD)]
            writer.append(*(np.stack(column) for column in zip(*block, strict=True)))
            bar.update(STEPS_PER_SHARD * num_envs)
    return writer.num_frames


def main() -> None:
    """Records and says what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--game", required=True, help="as ids spell it, e.g. MsPacman")
    parser.add_argument("-n", "--num-frames", type=int, default=12_000)
    parser.add_argument("--folder", type=Path, help="default: in the user's cache")
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--noise",
        default="none",
        help="bars on the recorded frames: vertical, horizontal, both; "
        "pretrain.py --noise draws its own on clean ones",
    )
    parser.add_argument("--algo", help="of a trained agent; default: a random policy")
    parser.add_argument("--env", help="id of the trained agent, e.g. ObjKeypoints-MsPacman-v0")
    parser.add_argument("-f", "--log-folder", default="logs", help="of the agent's training")
    options = parser.parse_args()
    try:
        game = check_game(options.game)
        folder = options.folder or frames_folder(game, options.noise)
        if options.algo and f"-{game}-" not in str(options.env):
            raise ValueError(f"--env {options.env} is not an id of {game}.")
        agent = (options.algo, options.env, options.log_folder) if options.algo else None
        count = collect(
            game,
            folder,
            options.num_frames,
            options.seed,
            options.num_envs,
            agent,
            noise=options.noise,
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"collect: {error}") from error
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{count} frames of {game} in {folder}, {size / count / 1024:.2f} KB each")
    where = f" --frames-folder {folder}" if options.folder else ""
    print(f"Next: python zoo/pretrain.py --model motion --game {game}{where}")


if __name__ == "__main__":
    main()
