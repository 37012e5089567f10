"""Records into a folder, as a process that can be killed: ``recorder.py random|agent FOLDER N``.

The agent's actions depend on what it saw in all steps before and on a generator of its own.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.pretraining.collect import (
    AgentPlay,
    agent_facts,
    collect,
    first_seed,
    play_by_agent,
)
from objwrappers.pretraining.truth import Truth
from objwrappers.sb3 import GymVecEnv


class RememberingAgent:
    """Adds up what it sees, as a recurrent policy does, until an episode begins."""

    def __init__(self, actions: int, seed: int) -> None:
        self._actions = actions
        self._rng = np.random.default_rng(seed)

    def predict(self, observation, state, episode_start, deterministic):
        assert not deterministic
        seen = observation.reshape(len(observation), -1).astype(np.int64).sum(1)
        state = seen if state is None else np.where(episode_start, 0, state) + seen
        noise = self._rng.integers(self._actions, size=len(seen))
        return (state + noise) % self._actions, state


class NativeVecEnv(GymVecEnv):
    """Shows native frames, and keeps the last ones."""

    def reset(self):
        self.frames = super().reset()
        return self.frames

    def step_wait(self):
        self.frames, *rest = super().step_wait()
        return self.frames, *rest

    def get_attr(self, attr_name, indices=None):
        return [self.frames] if attr_name == "pictures" else super().get_attr(attr_name, indices)


def agent(archive: Path) -> AgentPlay:
    def play(num_envs, seed, noise, truth=False):
        # Short episodes, so that recordings hold several.
        options = {"noise": noise, "max_num_frames_per_episode": 400}
        if truth:
            single = partial(make_atari, "Breakout", raw_frames=True, **options)
            games = SyncVectorEnv([single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
        else:
            games = make_atari_vec("Breakout", num_envs, **options)
        env = NativeVecEnv(games)
        env.seed(first_seed(seed))
        agent = RememberingAgent(int(env.action_space.n), seed)
        return play_by_agent(agent.predict, env, Truth("Breakout", env) if truth else None)

    env_id = "ObjFrames-Breakout-v0"
    return AgentPlay(f"remembering on {env_id}", agent_facts("remembering", env_id, archive), play)


def record(policy: str, folder: Path, num_frames: int, **options):
    if policy == "agent":
        archive = folder.parent / "Breakout_1" / "agent.zip"
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(b"weights")
        options["agent"] = agent(archive)
    return collect("Breakout", folder, num_frames, num_envs=2, **options)


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
