"""What is scored by people's gaze: maps that know little, gaze models, agents' saliency.

* :class:`Entrant`: moments → maps
* :func:`baselines`, :func:`models`, :func:`methods`: the three kinds, by name
* :func:`show_to`: agents before recorded play
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.agents.onlookers import Onlooker, load_onlooker
from objwrappers.metrics.gaze_baselines import centre_map, moving_map, uniform_map
from objwrappers.metrics.gaze_maps import SIDE
from objwrappers.perception.gaze.module import STACK
from objwrappers.perception.loading import load_model, model_of
from objwrappers.registration import task_of
from objwrappers.sb3.free_lunch.extractor import FreeLunchExtractor
from objwrappers.sb3.free_lunch.painting import paint
from objwrappers.sb3.saliency.policy_outputs import Outputs, looked_at, prepare
from objwrappers.scoring.gaze_moments import Moments
from objwrappers.scoring.saliency import allowed_methods

__all__ = ["EVEN_ATTENTION", "Entrant", "baselines", "methods", "models", "show_to"]

EVEN_ATTENTION = "even attention"
"""What an agent that attends to all cells alike gets for the way in which cells are painted."""


@dataclass(frozen=True)
class Entrant:
    """What gives maps of moments.

    Attributes:
        maps: Moments and the places of some of them → float32 (n, 84, 84), not negative.
        is_baseline: It foretells nothing, and is not shown.
        agent: Name of the agent whose saliency it is, else None.
        noise: Bars on the frames that it sees.
    """

    maps: Callable[[Moments, np.ndarray], Tensor]
    is_baseline: bool = False
    agent: str | None = None
    noise: str = "none"


def baselines(mean: Tensor) -> dict[str, Entrant]:
    """Returns maps that know nothing of a moment, or very little.

    The previous gaze is people's own, before all frames of the moment: no model knows it, and it
    says how well one can do.

    Args:
        mean: (84, 84), the mean gaze.
    """

    def always(one: Tensor) -> Entrant:
        return Entrant(lambda moments, places: one.expand(len(places), -1, -1), is_baseline=True)

    def moving(moments: Moments, places: np.ndarray) -> Tensor:
        return moving_map(moments.play.stacks(moments.steps[places], 2))

    def previous(moments: Moments, places: np.ndarray) -> Tensor:
        which = moments.earlier[torch.from_numpy(places)]
        maps, _ = moments.play.gaze[which.clamp(min=0)].maps()
        return torch.where((which >= 0)[:, None, None], maps, mean)

    return {
        "(even)": always(uniform_map()),
        "(centre)": always(centre_map()),
        "(mean gaze)": always(mean),
        "(what moves)": Entrant(moving, is_baseline=True),
        "(previous gaze)": Entrant(previous, is_baseline=True),
    }


def models(
    names: Sequence[str], weights: Sequence[str | Path], task: str, device: str
) -> dict[str, Entrant]:
    """Returns gaze models, which see the last four raw frames of each moment.

    Args:
        names: Whose weights are looked for.
        weights: Folders of weights, each a model of its own.
        task: The game.
        device: Where they run.
    """
    found = {name: load_model(name, task, device=device, family="gaze") for name in names}
    for folder in weights:
        found[str(folder)] = load_model(model_of(folder), task, folder, device, family="gaze")
    return {name: Entrant(_foretold(model)) for name, model in found.items()}


def _foretold(model: Any) -> Callable[[Moments, np.ndarray], Tensor]:
    @torch.inference_mode()
    def maps(moments: Moments, places: np.ndarray) -> Tensor:
        stacks = moments.play.stacks(moments.steps[places], STACK)
        return model(stacks.to(model.mean.device))["heatmap"].cpu()

    return maps


def show_to(
    agents: Sequence[Mapping[str, Any]],
    trials: str | Path,
    task: str,
    device: str = "auto",
    as_published: bool = False,
) -> dict[str, Onlooker]:
    """Returns agents before recorded play, by their names.

    Args:
        agents: Arguments of :func:`~objwrappers.agents.onlookers.load_onlooker`, but for the
            trials.
        trials: Atari-HEAD's folder, zip or trial.
        task: Their game.
        device: Where they run.
        as_published: A trial is one episode.

    Raises:
        ValueError: An agent of another game, or one that is not on images.
    """
    found: list[Onlooker] = []
    try:
        for agent in agents:
            if task_of(agent["env_id"]) != task:
                raise ValueError(f"The trials are of {task}, the agent is of {agent['env_id']}.")
            options = {"device": device, **agent}
            if as_published:
                options["env_kwargs"] = {**(agent.get("env_kwargs") or {}), "episodes": "trial"}
            found.append(load_onlooker(trials=trials, **options))
            Outputs(found[-1].policy)  # refuses policies that are not on images
    except BaseException:
        for onlooker in found:
            onlooker.close()
        raise
    return dict(zip(_names([onlooker.path for onlooker in found]), found, strict=True))


def _names(paths: Sequence[Path]) -> list[str]:
    """Names agents after their log folders, after their runs, too, where that is not enough."""
    candidates = [
        [path.parents[2].name for path in paths],
        [f"{path.parents[2].name}/{path.parents[0].name}" for path in paths],
        [str(path.parent) for path in paths],
    ]
    for names in candidates:
        if len({*names}) == len(names):
            return names
    twice = Counter(candidates[-1]).most_common(1)[0][0]
    raise ValueError(f"The agent {twice} is given more than once.")


def methods(
    onlookers: Mapping[str, Onlooker],
    names: Sequence[str] = (),
    target: str = "action",
    as_published: bool = False,
) -> dict[str, Entrant]:
    """Returns agents' saliency, named by agent and method.

    Args:
        onlookers: Agents by their names.
        names: Of methods; by default all that an agent allows.
        target: Whose saliency: ``"action"``, ``"value"``.
        as_published: Attention is painted as published, and beside it stands what attention that
            is the same everywhere would get for that.

    Raises:
        ValueError: No such method, or one that an agent does not allow.
    """
    entrants: dict[str, Entrant] = {}
    options = {"attention": {"painting": "published"}} if as_published else {}
    for name, onlooker in onlookers.items():
        shape = onlooker.policy.observation_space.shape
        assert shape is not None
        nothing = prepare(onlooker.policy, np.zeros((1, *shape), np.uint8))
        found: dict[str, Any] = allowed_methods(names, onlooker.policy, nothing, target, options)
        if as_published and "attention" in found:
            found[EVEN_ATTENTION] = _even_attention(target)
        for method, maps in found.items():
            entrants[f"{name} {method}"] = Entrant(
                _looking(name, onlooker, maps), method == EVEN_ATTENTION, name, onlooker.noise
            )
    return entrants


def _looking(name: str, onlooker: Onlooker, method: Any) -> Callable[[Moments, np.ndarray], Tensor]:
    def maps(moments: Moments, places: np.ndarray) -> Tensor:
        found = method(onlooker.policy, moments.sights[name].observations[places]).detach().cpu()
        if found.shape[1:] != (SIDE, SIDE):
            found = F.interpolate(found[:, None], (SIDE, SIDE), mode="bilinear")[:, 0]
        return found

    return maps


def _even_attention(target: str) -> Callable[[Any, np.ndarray], Tensor]:
    @torch.no_grad()
    def method(policy: Any, observations: np.ndarray) -> Tensor:
        images = prepare(policy, observations)
        with looked_at(policy) as outputs:
            extractor = outputs.extractor(target)
            assert isinstance(extractor, FreeLunchExtractor)
            outputs(images)
            assert extractor.attention is not None
            cells = torch.ones_like(extractor.attention)
            height, width = images.shape[-2:]
            return paint(cells, extractor.field, height, width, "published")

    return method
