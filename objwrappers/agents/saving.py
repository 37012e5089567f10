"""Agents written to disk: whole or not at all, with what it takes to read them without pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback

from objwrappers.agents.normalization import save_statistics, statistics_path
from objwrappers.files import write_atomically
from objwrappers.sb3.policy_table import ACTIVATIONS, POLICIES

__all__ = ["SaveAgent", "describe_policy", "save_agent"]

# Of the optimiser, which an agent that only plays does not have, and what SB3 tells by itself.
_UNNEEDED = ("optimizer_class", "optimizer_kwargs")


def save_agent(model: BaseAlgorithm, path: Path) -> None:
    """Writes an agent's archive, after the statistics that go with it; a kill leaves the older one.

    Args:
        model: The agent.
        path: Ends with ``.zip``.
    """
    if (normalised := model.get_vec_normalize_env()) is not None:
        save_statistics(normalised, statistics_path(path))
    with write_atomically(path) as file:
        model.save(file)  # type: ignore[arg-type]


def describe_policy(model: BaseAlgorithm, algo: str) -> dict[str, Any]:
    """Returns ``policy`` and ``policy_kwargs`` as JSON tells them; nothing where it cannot."""
    # On-policy algorithms pass it to the policy by themselves.
    explores = {"use_sde": True} if getattr(model, "use_sde", False) else {}
    table = POLICIES.get(algo, {})
    name = next((name for name, cls in table.items() if cls is type(model.policy)), None)
    try:
        kept = {k: v for k, v in model.policy_kwargs.items() if k not in _UNNEEDED}
        kwargs = _plain({**kept, **explores})
    except TypeError:
        return {}
    return {} if name is None else {"policy": name, "policy_kwargs": kwargs}


def _plain(value: Any) -> Any:
    """Returns JSON's own kinds of values; an activation is its name, ``"nn.ReLU"``."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    for name, layer in ACTIVATIONS.items():
        if value is layer:
            return name
    raise TypeError(f"{value!r} is no plain data.")


class SaveAgent(BaseCallback):
    """Saves the agent: every so many calls, or as an EvalCallback's ``callback_on_new_best``.

    Args:
        folder: Of the run.
        save_freq: Calls between checkpoints, ``rl_model_<steps>_steps.zip``; None saves
            ``best_model.zip`` at each call.
    """

    parent: EvalCallback

    def __init__(self, folder: str | Path, save_freq: int | None = None) -> None:
        super().__init__()
        self._folder, self._save_freq = Path(folder), save_freq

    def _on_step(self) -> bool:
        if self._save_freq is None:
            save_agent(self.model, self._folder / "best_model.zip")
        elif self.n_calls % self._save_freq == 0:
            save_agent(self.model, self._folder / f"rl_model_{self.num_timesteps}_steps.zip")
        return True
