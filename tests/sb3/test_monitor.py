"""Games are counted whatever ends an agent's episodes."""

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecMonitor

import objwrappers  # noqa: F401
from objwrappers.sb3.monitor import GameMonitor
from objwrappers.sb3.vec_env import GymVecEnv

EXACT = {"repeat_action_probability": 0.0}


def play(monitor, log=None, **options):
    """Returns what the monitor tells of each game, and how many episodes ended."""
    env = monitor(GymVecEnv(gym.make_vec("ObjFrames-MsPacman-v0", num_envs=2, **options)), log)
    env.seed(0)
    env.reset()
    rng = np.random.default_rng(0)
    games, ends, sums = [], 0, np.zeros(2)
    for _ in range(700):
        _, rewards, dones, infos = env.step(rng.integers(9, size=2))
        sums += rewards
        ends += dones.sum()
        games += [(i, info["episode"]) for i, info in enumerate(infos) if "episode" in info]
    env.close()
    return games, ends, sums


def test_scores_and_lengths_are_those_of_whole_games(tmp_path):
    trained_on = {"life_loss_info": True, "reward_clipping": True}
    games, ends, clipped = play(GameMonitor, str(tmp_path / "0.monitor.csv"), **EXACT, **trained_on)
    whole, whole_ends, sums = play(VecMonitor, **EXACT)
    assert len(games) == len(whole) == whole_ends == 2
    assert ends > 3 * whole_ends - 1 and (clipped < sums / 5).all()
    for (env, game), (_, expected) in zip(games, whole, strict=True):
        assert (game["r"], game["l"]) == (expected["r"], expected["l"]), env
    _, names, *rows = (tmp_path / "0.monitor.csv").read_text().splitlines()
    assert names == "r,l,t,steps"
    assert [float(row.split(",")[0]) for row in rows] == [game["r"] for _, game in games]
    # First games begin at step 0: both envs have made as many steps as the game is long.
    assert [int(row.split(",")[3]) for row in rows] == [2 * game["l"] for _, game in games]


def test_without_such_options_it_is_a_vec_monitor():
    ours, *_ = play(GameMonitor, **EXACT)
    theirs, *_ = play(VecMonitor, **EXACT)
    assert [(i, game["r"], game["l"]) for i, game in ours] == [
        (i, game["r"], game["l"]) for i, game in theirs
    ]
