"""Agents whose saliency is known, before made-up trials of Ms. Pac-Man."""

import json

import gymnasium as gym
import torch
from stable_baselines3 import A2C

import objwrappers  # noqa: F401
from objwrappers.agents.saving import describe_policy, save_agent

MS_PACMAN = "ObjFrames-MsPacman-v0"
ROWS, COLUMNS = slice(30, 40), slice(20, 50)
"""Where alone the linear agent looks, in all frames of its stack alike."""


def linear_agent(env_id=MS_PACMAN, frame_stack=None, **env_kwargs):
    """Returns an agent whose actions, and value, are a sum of pixels."""
    env = gym.make(env_id, **env_kwargs)
    if frame_stack:
        env.observation_space = gym.spaces.Box(
            0, 255, (frame_stack, 84, 84), env.observation_space.dtype
        )
    agent = A2C("MlpPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": []})
    channels = agent.observation_space.shape[0]
    for layer in (agent.policy.action_net, agent.policy.value_net):
        torch.nn.init.zeros_(layer.weight)
        layer.weight.data.view(-1, channels, 84, 84)[..., ROWS, COLUMNS] = 0.01
    return agent


def write_agent(agent, folder, env_id=MS_PACMAN, algo="a2c", frame_stack=None, **env_kwargs):
    """Writes it as zoo/train.py does, and returns what finds it again."""
    run = folder / algo / f"{env_id}_1"
    run.mkdir(parents=True)
    save_agent(agent, run / f"{env_id}.zip")
    hyperparams = {} if frame_stack is None else {"frame_stack": frame_stack}
    config = {"env_kwargs": env_kwargs, "hyperparams": hyperparams, **describe_policy(agent, algo)}
    (run / "config.json").write_text(json.dumps(config))
    return {"algo": algo, "env_id": env_id, "folder": folder, "device": "cpu"}
