"""Who is who in a game: the player, what harms it, what pays, walls, and what vanishes.

Roles belong to a model's classes in one game. They are learned from a short random play by
:func:`objwrappers.pretraining.roles.learn_roles`, without labels, and stored like weights.

* :class:`Roles`: the classes, their roles, and the scenery
* :func:`find_roles`: by model, game and bars
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from objwrappers.perception.arguments import construct
from objwrappers.perception.loading import find_trained
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.storage import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    digest_of,
    locate,
    read_config,
    read_tensors,
    write_weights,
)

__all__ = ["HARMFUL", "Roles", "find_roles", "roles_family"]

HARMFUL = 0.2
"""Share of the touches after which a life is lost; from here on a class is to be kept away from."""

WALL, VANISHING = 1, 2  # bits of the scenery
RECORDED = ("model", "weights_digest", "trained_on", "training")
MOST_PIXELS = 1024  # of a side, whatever a stranger's config.json says


class Roles(nn.Module):
    """The classes of a game's objects, and what they are to the player.

    Args:
        what_size: D, of the z_what that the classes are told by.
        labels: Names of the C classes.
        rows: Rows that each class has in an observation.
        looks: How many looks each class has, see :class:`SceneClassifier`.
        player: Number of the class that moves as the actions say; None where none was found.
        height: H of the native frames, pixels.
        width: W.

    Attributes:
        classifier: Of the classes.
        player: The same.
        harm: float32 (C,), share of the touches after which a life was lost.
        worth: float32 (C,), mean reward of a touch beyond that of other times.
        agency: float32 (C,), share of the movement that the actions explain, ω² in [0, 1].
        record: What config.json says of ``model``, ``weights_digest``, ``trained_on`` and
            ``training``.

    Raises:
        ValueError: Classes that cannot be, no such player, or a side below 1.
    """

    harm: Tensor
    worth: Tensor
    agency: Tensor
    background: Tensor
    palette: Tensor
    scenery: Tensor

    def __init__(
        self,
        what_size: int,
        labels: Sequence[str],
        rows: Sequence[int],
        looks: Sequence[int] | None = None,
        player: int | None = None,
        height: int = 210,
        width: int = 160,
    ) -> None:
        super().__init__()
        self.classifier = SceneClassifier(what_size, labels, rows, looks)
        if player is not None and not 0 <= player < len(labels):
            raise ValueError(f"player must be a class from 0 to {len(labels) - 1}, got {player}.")
        if not 1 <= min(height, width) <= max(height, width) <= MOST_PIXELS:
            raise ValueError(
                f"Frames have 1 to {MOST_PIXELS} pixels a side, got {height} by {width}."
            )
        self.player = player
        self.record: dict[str, Any] = {}
        for name in ("harm", "worth", "agency"):
            self.register_buffer(name, torch.zeros(len(labels)))
        self.register_buffer("background", torch.zeros(height, width, dtype=torch.uint8))
        self.register_buffer("palette", torch.zeros(256, 3, dtype=torch.uint8))
        self.register_buffer("scenery", torch.zeros(height, width, dtype=torch.uint8))

    @property
    def task(self) -> str:
        """The game that they are of, ``"this game"`` where nothing is said of it."""
        return self.record.get("trained_on", {}).get("task", "this game")

    @property
    def command(self) -> str:
        """The command that looks for them in a longer play."""
        noise = self.record.get("trained_on", {}).get("noise", "none")
        words = [f"--model {self.record.get('model', 'motion')}", f"--game {self.task}"]
        words += [f"--noise {noise}"] if noise != "none" else []
        return " ".join(["python zoo/roles.py", *words, "--steps 6000"])

    def check_belongs(self, digest: str) -> None:
        """Checks that they are of the classes of these weights.

        Raises:
            ValueError: They were made for others.
        """
        made_for = self.record.get("weights_digest")
        if made_for is not None and made_for != digest:
            raise ValueError(
                f"The roles of {self.task} were made for other weights, of digest "
                f"{made_for!s:.12}, but these have {digest:.12}."
            )

    @property
    def digest(self) -> str:
        """SHA-256 of what an agent sees of them: player, who harms, scenery."""
        tensors = {"harmful": self.harm >= HARMFUL, "scenery": self.scenery}
        tensors["whole"] = torch.from_numpy(self.whole)
        return digest_of(f"player {self.player}", tensors)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width of the native frames, pixels."""
        height, width = self.scenery.shape
        return height, width

    @property
    def whole(self) -> np.ndarray:
        """What the game looks like while nothing has vanished, uint8 (H, W, 3)."""
        return self.palette[self.background.long()].numpy()

    @property
    def walls(self) -> np.ndarray:
        """Bool (H, W), where nothing ever moves."""
        return (self.scenery.numpy() & WALL) > 0

    @property
    def vanishing(self) -> np.ndarray:
        """Bool (H, W), what is scenery until it is gone: pills, bricks."""
        return (self.scenery.numpy() & VANISHING) > 0

    def set_scenery(self, whole: np.ndarray, walls: np.ndarray, vanishing: np.ndarray) -> None:
        """Tells the scenery.

        Args:
            whole: uint8 (H, W, 3); of more than 256 colours, the rarest become the nearest.
            walls: bool (H, W).
            vanishing: bool (H, W).
        """
        colours, index, counts = np.unique(
            whole.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
        )
        kept = np.sort(np.argsort(-counts, kind="stable")[:256])
        away = np.abs(colours[:, None].astype(int) - colours[kept].astype(int)).sum(-1)
        index = away.argmin(1)[index.reshape(-1)].astype(np.uint8)
        self.background = torch.from_numpy(index.reshape(walls.shape))
        self.palette = torch.zeros(256, 3, dtype=torch.uint8)
        self.palette[: len(kept)] = torch.from_numpy(colours[kept])
        self.scenery = torch.from_numpy((WALL * walls + VANISHING * vanishing).astype(np.uint8))

    def save(
        self, folder: str | Path, *, family: str, model: str, digest: str, **facts: Any
    ) -> None:
        """Writes config.json and model.safetensors; the folder appears complete or not at all.

        Args:
            folder: Replaced if it exists.
            family: Of the model whose classes they are.
            model: Its name.
            digest: Of the model; other weights do not take these roles.
            **facts: Beside them in config.json: ``trained_on``, ``training``.

        Raises:
            FileExistsError: The folder holds anything else than weights.
            OSError: The disk is full, say; an existing folder is untouched then.
        """
        height, width = self.frame_size
        config = {
            "family": roles_family(family),
            "model": model,
            "weights_digest": digest,
            "what_size": self.classifier.weight.shape[1],
            "labels": [*self.classifier.labels],
            "rows": [*self.classifier.rows],
            "looks": [*self.classifier.looks],
            "player": self.player,
            "height": height,
            "width": width,
            **facts,
        }
        write_weights(folder, config, self.state_dict())

    @classmethod
    def load(cls, source: str | Path, digest: str | None = None) -> Self:
        """Reads roles; JSON and safetensors are read, code is never run.

        Args:
            source: A folder or a hub repository, ``"user/name"`` or ``"user/name@revision"``.
            digest: Of the model that they are to serve; None for any.

        Raises:
            FileNotFoundError: There are none.
            ValueError: They are damaged, something else, or were made for other weights.
        """
        config = read_config(source)
        where = f"{source}/{CONFIG_NAME}"
        if not config["family"].endswith(roles_family("")):
            raise ValueError(
                f"{where} is of {config['family']} {config.get('model')!r}, not roles."
            )
        names = ("what_size", "labels", "rows", "looks", "player", "height", "width")
        roles = construct(cls, config, names, where)
        roles.record = {key: config[key] for key in RECORDED if key in config}
        if digest is not None:
            try:
                roles.check_belongs(digest)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
        path = locate(source, WEIGHTS_NAME)
        roles.load_state_dict(read_tensors(path, roles.state_dict(), config.get("sha256")))
        return roles.eval()


def roles_family(family: str) -> str:
    """Returns how config.json names the family of roles for the classes of another family."""
    return f"{family}-roles"


def find_roles(
    model: str,
    game: str,
    noise: str = "none",
    digest: str | None = None,
    family: str = "scenes",
    weights: str | Path | None = None,
) -> Roles:
    """Returns the roles of a model's classes in a game; the user's cache goes before the bundled.

    Args:
        model: Its name.
        game: ``"MsPacman"``.
        noise: Bars that the frames have; roles learned under them are looked for first.
        digest: Of the model's weights; roles that were made for others are passed over.
        family: Of the model.
        weights: Where the model's weights were told to be, for what errors say.

    Raises:
        FileNotFoundError: There are none; the message is the command that makes them.
        ValueError: All were made for other weights.
    """
    command = f"python zoo/roles.py --model {model} --game {game}"
    call = f'objwrappers.learn_roles("{game}", "{model}"'
    if noise != "none":
        command, call = f"{command} --noise {noise}", f'{call}, noise="{noise}"'
    if weights is not None:
        command, call = f"{command} --weights {weights}", f'{call}, weights="{weights}"'
    folder = find_trained(model, game, noise, roles_family(family), made_for=digest)
    if folder is None:
        raise FileNotFoundError(
            f"Who is who in {game} is not known to {model!r}. Let it play a little: {command} "
            f"(in Python: {call}))"
        )
    try:
        return Roles.load(folder, digest)
    except ValueError as error:
        raise ValueError(f"{error} Make them: {command} (in Python: {call}))") from error
