"""Films of an env with what perception sees in it, or of where an agent looks.

:func:`film`: an id, and who plays it → a film.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import trange

from objwrappers.agents.loading import load_agent
from objwrappers.agents.players import Player
from objwrappers.agents.runs import LOG_FOLDER, acts_greedily
from objwrappers.agents.views import OwnView, SaliencyView, View
from objwrappers.files import check_writable
from objwrappers.rendering.layout import beside
from objwrappers.rendering.video import VideoWriter

__all__ = ["Film", "film"]


@dataclass(frozen=True)
class Film:
    """What was filmed.

    Attributes:
        path: The film.
        frames: Pictures in it.
        fps: Pictures per second.
        players: Name of each player → the returns of its episodes that ended.
    """

    path: Path
    frames: int
    fps: float
    players: list[tuple[str, list[float]]]


def film(
    env_id: str,
    output: str | Path | None = None,
    algo: str = "random",
    *,
    folder: str | Path | Sequence[str | Path] = LOG_FOLDER,
    exp_id: int | Sequence[int] = 0,
    load_best: bool = False,
    n_timesteps: int = 500,
    fps: float | None = None,
    seed: int = 0,
    deterministic: bool = False,
    device: str = "auto",
    env_kwargs: dict[str, Any] | None = None,
    saliency: Sequence[str] = (),
    painting: Sequence[str] = ("covered",),
    target: Sequence[str] = ("action",),
    view: Sequence[str] = ("raw",),
    colours: str = "inferno",
    zoom: int = 2,
    progress: bool = False,
    trust: bool = False,
) -> Film:
    """Films an env played at random or by trained agents, each in a game of its own.

    Frames go to the film one by one, so that its length costs no memory.

    Args:
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        output: ``.mp4``, ``.mkv`` or ``.gif``; by default the id's name as MP4.
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``, or ``"random"``.
        folder: Log folders, one or several.
        exp_id: Runs in each of them; 0 is the latest.
        load_best: The best agents of the evaluations instead of the last ones.
        n_timesteps: Frames of the film.
        fps: Frames per second; by default the env's.
        seed: Of the games and of the agents' sampling.
        deterministic: The likeliest action instead of sampling.
        device: Of perception and of the policy.
        env_kwargs: On top of those of the training.
        saliency: Methods of :data:`objwrappers.sb3.saliency.METHODS`, a column each.
        painting: Of attention: ``"covered"``, ``"published"``.
        target: Whose saliency: ``"action"``, ``"value"``.
        view: ``"raw"``, the game, and ``"processed"``, what the policy gets, from above.
        colours: A colour map, or ``"published"``.
        zoom: Picture pixels per native pixel.
        progress: Show a bar.
        trust: See :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: Counts below 1, saliency of the random policy, or an env without pictures.
    """
    if n_timesteps < 1 or zoom < 1:
        raise ValueError(f"n_timesteps and zoom must be at least 1, got {n_timesteps} and {zoom}.")
    if saliency and algo == "random":
        raise ValueError("saliency is of a trained agent: give --algo, and -f if not in logs.")
    folders = [folder] if isinstance(folder, str | Path) else list(folder)
    runs = [exp_id] if isinstance(exp_id, int) else list(exp_id)
    greedy = deterministic or acts_greedily(algo, env_id)
    wanted = list(itertools.product(folders, runs))
    path = Path(output or f"{env_id}.mp4")
    check_writable(path)
    with ExitStack() as opened:
        players = []
        for where, run in wanted if algo != "random" else wanted[:1]:
            agent, env = load_agent(
                algo,
                env_id,
                folder=where,
                exp_id=run,
                load_best=load_best,
                env_kwargs=env_kwargs,
                render_mode="rgb_array",
                seed=seed,
                device=device,
                trust=trust,
            )
            opened.enter_context(closing(env))
            name = Path(where).name + (f" {run}" if len(runs) > 1 else "")
            players.append(Player(name, env, agent, greedy))
        views = make_views(players, saliency, painting, target, (view, colours, zoom))
        rates: list[Any] = [fps, players[0].env.metadata.get("render_fps"), 15]
        rate = float(next(each for each in rates if each is not None))
        video = opened.enter_context(VideoWriter(path, rate))
        for _ in trange(n_timesteps, unit="frame", disable=not progress):
            video.append(beside([view.draw(player) for player, view in views]))
            for player in players:
                player.step()
    returns = [(player.agent.name, player.returns) for player in players]
    return Film(path, video.frames, rate, returns)


def make_views(
    players: Sequence[Player],
    saliency: Sequence[str],
    painting: Sequence[str],
    target: Sequence[str],
    look: tuple[Sequence[str], str, int],
) -> list[tuple[Player, View]]:
    """Returns what to draw, from left to right.

    Without saliency: each env's own picture. With it: each player's columns, one for each method,
    target and painting of attention.
    """
    views: list[tuple[Player, View]] = []
    for player in players:
        if not saliency:
            title = player.name if len(players) > 1 else ""
            views.append((player, OwnView(title)))
        for method, of in itertools.product(saliency, target):
            for painted in painting if method == "attention" else [None]:
                several = [player.name] * (len(players) > 1), [of] * (len(target) > 1)
                parts = [*several[0], method, *several[1], *([painted] if painted else [])]
                options = {"painting": painted} if painted else {}
                views.append((player, SaliencyView(", ".join(parts), method, options, of, *look)))
    return views
