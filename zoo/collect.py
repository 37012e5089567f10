"""Records frames of a game for pretraining, lossless, by a random policy.

    python zoo/collect.py --game MsPacman -n 20000

An interrupted recording goes on with the same command.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from objwrappers.datasets.frames import FrameWriter
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import cache_folder
from objwrappers.games import check_game

STEPS_PER_SHARD = 128


def frames_folder(game: str) -> Path:
    """Returns the folder in the user's cache where a game's frames are kept."""
    return cache_folder("frames", check_game(game))


def collect(
    game: str,
    folder: Path,
    num_frames: int,
    seed: int = 0,
    num_envs: int = 8,
    progress: bool = True,
) -> int:
    """Records until the folder holds ``num_frames`` frames; returns how many it holds.

    Args:
        game: ``"MsPacman"``.
        folder: Made if absent; a recording there continues, with episodes of fresh seeds.
        num_frames: Frames of all envs together, rounded up to whole shards.
        seed: Of the envs and the policy.
        num_envs: Envs side by side.
        progress: Show a bar.

    Raises:
        ValueError: No such game, or the folder holds frames of another recording.
    """
    facts = {"game": check_game(game), "policy": "random", "seed": seed}
    writer = FrameWriter(folder, facts)
    recorded = writer.num_frames
    if recorded >= num_frames:
        return recorded
    env = make_atari_vec(game, num_envs)
    # Past frames shift the seeds, so that a continued recording does not repeat itself.
    rng = np.random.default_rng((seed, recorded))
    frames, _ = env.reset(seed=int(rng.integers(2**30)))
    starts, done = np.ones(num_envs, bool), np.zeros(num_envs, bool)
    with tqdm(total=num_frames, initial=recorded, unit="frame", disable=not progress) as bar:
        while writer.num_frames < num_frames:
            block, block_starts = [], []
            for _ in range(STEPS_PER_SHARD):
                block.append(frames)
                block_starts.append(starts)
                actions = rng.integers(env.single_action_space.n, size=num_envs)  # type: ignore[attr-defined]
                frames, _, terminated, truncated, _ = env.step(actions)
                # Next-step autoreset: the frame after an episode's last begins the next one.
                starts, done = done, terminated | truncated
            writer.append(np.stack(block), np.stack(block_starts))
            bar.update(STEPS_PER_SHARD * num_envs)
    env.close()
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
    options = parser.parse_args()
    try:
        game = check_game(options.game)
        folder = options.folder or frames_folder(game)
        count = collect(game, folder, options.num_frames, options.seed, options.num_envs)
    except (ValueError, OSError) as error:
        raise SystemExit(f"collect: {error}") from error
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{count} frames of {game} in {folder}, {size / count / 1024:.2f} KB each")
    print(f"Next: python zoo/pretrain.py --model motion --game {game}")


if __name__ == "__main__":
    main()
