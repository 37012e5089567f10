"""Entry points of ``IfO-<task>-v0``: tasks of dm_control, rewarded for imitating a video.

* :func:`make_imitation`, :func:`make_imitation_vec`
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from objwrappers.datasets.demonstrations import Demonstrations, find_demonstrations
from objwrappers.envs.checked import CheckedEnv, VectorCheckedEnv
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.control_tasks import check_task
from objwrappers.envs.options import (
    CONTROL_CURES,
    IMITATION,
    check_flag,
    check_names,
    check_numbers,
    check_path,
)
from objwrappers.envs.singles import Singles
from objwrappers.names import check_name
from objwrappers.wrappers.base import check_render_mode

__all__ = ["SPLITS", "make_imitation", "make_imitation_vec"]

SPLITS = ("train", "held-out", "all")


def make_imitation(task: str, render_mode: str | None = None, **options: Any) -> gym.Env:
    """Entry point of ``IfO-<task>-v0``: be where a demonstration is.

    An episode begins where a demonstration began, seen in another context, and is truncated after
    as many steps. The reward says how near the frame is to the demonstration as context
    translation predicts it; the task's own is ``info["env_reward"]``. See
    :mod:`objwrappers.wrappers.imitation`.

    Args:
        task: ``"reacher-hard"``.
        render_mode: ``None`` or ``"rgb_array"``: demonstration, prediction and imitator.
        **options: Of the demonstrations: ``demonstration``, a folder (by default the user's cache,
            then the bundled ones); ``num_demonstrations`` (1; None for all), the first of the
            ``split`` ``"train"``, ``"held-out"`` (the last tenth, from which neither context
            translation nor imitators learn, though the former's checkpoint is chosen by it) or
            ``"all"``; ``sources``, the views whose
            translations are averaged; ``at_start``, begin where they did. Of context translation:
            ``weights`` and ``device``. Of the imitator: ``context`` and ``context_seed``, as of
            ``Control`` ids; ``observe``, ``"proprio"``, ``"features"`` or ``"pixels"``, of
            ``stack_num`` frames; ``task_state``, ``time``, ``target``, see
            :class:`~objwrappers.wrappers.imitation.Imitation`; ``horizon``, at most the
            demonstrations'; ``render_size``. Of the reward: ``reward``, ``image_weight``,
            ``time_weight``, see :class:`~objwrappers.wrappers.guides.Tracking`.

    Raises:
        FileNotFoundError: There are no demonstrations or weights; the message says how to make
            them.
        ValueError: No such task or option, demonstrations of another task, a longer horizon than
            theirs, or a model of another size of frames.
    """
    settings = _settings(options)
    demonstrations, make_env = _make(task, render_mode, settings)
    from objwrappers.wrappers.imitation import ImitationReward

    env = make_env()
    imitation = _imitation(task, demonstrations, settings, env.observation_space, 1)
    return ImitationReward(CheckedEnv(env), imitation, render_mode)


def make_imitation_vec(
    task: str, num_envs: int = 1, render_mode: str | None = None, **options: Any
) -> VectorEnv:
    """Vector entry point of ``IfO-<task>-v0``: one batch of frames for all envs.

    See :func:`make_imitation`. Autoreset is next-step, or at once by ``reset_mask``.
    """
    check_numbers({"num_envs": num_envs})
    settings = _settings(options)
    demonstrations, make_env = _make(task, render_mode, settings)
    from objwrappers.wrappers.imitation import VectorImitationReward

    env = Singles([make_env] * num_envs)
    space = env.single_observation_space
    imitation = _imitation(task, demonstrations, settings, space, num_envs)
    return VectorImitationReward(VectorCheckedEnv(env), imitation, render_mode)


_DEFAULTS: dict[str, Any] = {
    "demonstration": None,
    "num_demonstrations": 1,
    "split": "train",
    "sources": 1,
    "at_start": True,
    "weights": None,
    "device": "auto",
    "context": "light",
    # Another arm, floor and distractors than those of the first bundled demonstration.
    "context_seed": 3,
    "observe": "proprio",
    "stack_num": 3,
    "task_state": False,
    "time": True,
    "target": True,
    "horizon": None,
    "render_size": 256,
    "reward": "exp",
    "image_weight": 0.0,
    "time_weight": "constant",
}


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    check_names(options, IMITATION, CONTROL_CURES)
    settings = {**_DEFAULTS, **options}
    for name in ("task_state", "time", "target", "at_start"):
        check_flag(name, settings[name])
    check_path("demonstration", settings["demonstration"])
    for name in ("num_demonstrations", "horizon"):
        if settings[name] is not None:
            check_numbers({name: settings[name]})
    check_name("split", settings["split"], SPLITS)
    return settings


def _make(task: str, render_mode: str | None, settings: Mapping[str, Any]) -> Any:
    """Returns the demonstrations, and what makes one env that begins where they do."""
    check_task(task)
    check_render_mode(render_mode)
    demonstrations = _chosen(task.replace("_", "-"), settings)
    longest = demonstrations.horizon
    horizon = longest if settings["horizon"] is None else settings["horizon"]
    if horizon > longest:
        raise ValueError(f"horizon={horizon}, but the demonstrations have {longest} steps.")
    options = {name: settings[name] for name in ("context", "context_seed", "render_size")}

    def make_env() -> gym.Env:
        from objwrappers.envs.demonstrated import DemonstratedEpisodes

        env = ControlEnv(
            task,
            render_mode,
            observe="both",
            image_size=demonstrations.image_size,
            stack_num=settings["stack_num"],
            camera=demonstrations.cameras[0],
            action_repeat=demonstrations.action_repeat,
            horizon=horizon,
            **options,
        )
        return DemonstratedEpisodes(env, demonstrations, settings["at_start"])

    return demonstrations, make_env


def _chosen(task: str, settings: Mapping[str, Any]) -> Demonstrations:
    source = settings["demonstration"]
    found = find_demonstrations(task, None if source is None else Path(source))
    if settings["split"] != "all":
        found = found.split()[settings["split"] == "held-out"]
    count = settings["num_demonstrations"]
    if count is not None and count > len(found):
        raise ValueError(
            f"num_demonstrations={count}, but the split {settings['split']!r} has {len(found)}."
        )
    return found.select(slice(count))


def _imitation(
    task: str,
    demonstrations: Demonstrations,
    settings: Mapping[str, Any],
    space: Any,
    num_envs: int,
) -> Any:
    from objwrappers.perception.loading import load_model
    from objwrappers.wrappers.guides import Guide, Tracking
    from objwrappers.wrappers.imitation import Imitation

    model: Any = load_model(
        "context_translation",
        demonstrations.task,
        settings["weights"],
        settings["device"],
        family="translation",
    )
    height, width = demonstrations.image_size
    if (height, width) != (model.image_size, model.image_size):
        raise ValueError(
            f"The context translation reads frames of {model.image_size} pixels, but the "
            f"demonstrations have {height}x{width}: train it on them, or record others with "
            f"--image-size {model.image_size}."
        )
    horizon = settings["horizon"] or demonstrations.horizon
    guide = Guide(model, demonstrations, num_envs, horizon, settings["sources"])
    return Imitation(
        guide,
        space,
        Tracking(settings["reward"], settings["image_weight"], settings["time_weight"]),
        settings["observe"],
        settings["task_state"],
        settings["time"],
        settings["target"],
    )


# Where the creator tells its render modes, Gymnasium shows "human" in a window by itself.
make_imitation.metadata = ControlEnv.metadata  # type: ignore[attr-defined]
