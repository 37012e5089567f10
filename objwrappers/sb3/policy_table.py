"""Which policies and activations a file may name; nothing else is imported for it.

* :func:`policy_named`: a policy's class by the name that YAML gives
* :data:`POLICIES`, :data:`ACTIVATIONS`: all there are
"""

from __future__ import annotations

from typing import Any

from sb3_contrib import ARS, QRDQN, TQC, TRPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from objwrappers.names import check_name
from objwrappers.sb3 import policies
from objwrappers.sb3.drqv2 import DrQv2
from objwrappers.sb3.recurrent_dqn import RecurrentDQN

__all__ = ["ACTIVATIONS", "POLICIES", "policy_named"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    f"nn.{one.__name__}": one
    for one in (nn.ELU, nn.GELU, nn.LeakyReLU, nn.ReLU, nn.SiLU, nn.Sigmoid, nn.Tanh)
}
"""What ``activation_fn`` may be."""

_ACTOR_CRITICS = (
    policies.FLSPolicy,
    policies.GazePolicy,
    policies.KeypointCNNPolicy,
    policies.KeypointGNNPolicy,
    policies.ObjectPolicy,
    policies.ScenePolicy,
)
_ALGORITHMS: dict[str, tuple[Any, ...]] = {
    "a2c": (A2C, *_ACTOR_CRITICS),
    "ars": (ARS,),
    # What imitates recorded play is PPO's kind of agent, and goes on as one.
    "bc": (PPO, *_ACTOR_CRITICS),
    "dqn": (
        DQN,
        policies.FLSQPolicy,
        policies.KeypointCNNQPolicy,
        policies.KeypointGNNQPolicy,
        policies.ObjectQPolicy,
        policies.SceneQPolicy,
    ),
    "drqv2": (DrQv2,),
    "ppo": (PPO, *_ACTOR_CRITICS),
    "ppo_lstm": (RecurrentPPO,),
    "qrdqn": (
        QRDQN,
        policies.FLSQuantilePolicy,
        policies.KeypointCNNQuantilePolicy,
        policies.KeypointGNNQuantilePolicy,
        policies.ObjectQuantilePolicy,
    ),
    "rdqn": (
        RecurrentDQN,
        policies.KeypointCNNLstmPolicy,
        policies.KeypointGNNLstmPolicy,
        policies.ObjectLstmPolicy,
    ),
    "sac": (SAC,),
    "tqc": (TQC,),
    "trpo": (TRPO, *_ACTOR_CRITICS),
}
"""RL Zoo's name of an algorithm → the algorithm, and our policies for it."""

POLICIES: dict[str, dict[str, type[BasePolicy]]] = {
    algo: {
        **algorithm.policy_aliases,
        **{f"{policies.__name__}.{one.__name__}": one for one in ours},
    }
    for algo, (algorithm, *ours) in _ALGORITHMS.items()
}
"""RL Zoo's name of an algorithm → a policy's name in YAML → its class."""


def policy_named(algo: str, name: str) -> type[BasePolicy]:
    """Returns a policy's class by its name in YAML; nothing outside :data:`POLICIES` is imported.

    Args:
        algo: RL Zoo's name of the algorithm: ``"ppo"``.
        name: ``"MlpPolicy"``, ``"objwrappers.sb3.policies.FLSPolicy"``.

    Raises:
        ValueError: No such algorithm, or no such policy of it; the message has the nearest name.
    """
    check_name("algorithm", algo, POLICIES)
    check_name(f"policy of {algo}", name, POLICIES[algo])
    return POLICIES[algo][name]
