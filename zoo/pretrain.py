"""Trains a perception model on recorded frames and puts its weights where gym.make finds them.

    python zoo/pretrain.py --model motion --game Pong
    torchrun --nproc-per-node 4 zoo/pretrain.py --model transporter --game Pong --devices 4

Frames are recorded first where there are none. An interrupted training goes on with the same
command. Hyperparameters are those of hyperparams/perception/<model>.yml; -params replaces them.
"""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from collect import collect, frames_folder
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from objwrappers.datasets.frames import FramePairs, Frames, read_frames
from objwrappers.datasets.motion import MotionFrames, background, travel_mask
from objwrappers.files import cache_folder, write_atomically
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule, model_class, weights_name
from objwrappers.perception.transporter import PRESETS, Transporter
from objwrappers.rendering.overlay import draw_percepts

HYPERPARAMS = Path(__file__).parents[1] / "hyperparams" / "perception"
VALIDATION_SHARE = 0.1
VALIDATION_BATCHES = 8
FIRST_STOP = 0.7  # no early stopping while σ still falls, share of the training


def read_hyperparams(model: str, game: str, changes: list[str]) -> dict[str, Any]:
    """Returns the YAML's defaults, updated by the game's entry and by ``key:value`` changes.

    Raises:
        ValueError: A change of a key that does not exist, or one that is not ``key:value``.
    """
    table = yaml.safe_load((HYPERPARAMS / f"{model}.yml").read_text())
    chosen = table["default"]
    own = table.get(game, {})
    chosen = {**chosen, **own, "model": {**chosen["model"], **own.get("model", {})}}
    for change in changes:
        key, colon, value = change.partition(":")
        if not colon:
            raise ValueError(f"-params takes key:value, got {change!r}.")
        where = chosen["model"] if key in chosen["model"] else chosen
        if key not in where or key == "model":
            keys = [*(k for k in chosen if k != "model"), *chosen["model"]]
            raise ValueError(f"-params {key}: no such hyperparameter; there are {', '.join(keys)}.")
        where[key] = yaml.safe_load(value)
    if "preset" in chosen:
        preset = PRESETS.get(chosen["preset"])
        if preset is None:
            raise ValueError(
                f"Unknown preset {chosen['preset']!r}; there are {', '.join(PRESETS)}."
            )
        chosen["model"] = {**preset, **chosen["model"]}
    return chosen


def make_datasets(
    module: PerceptionModule, frames: Frames, batch_size: int, seed: int, rank: int
) -> tuple[Dataset, Dataset]:
    """Returns the batches that a model trains on and those that it is validated on.

    A Transporter that looks at the foreground is told the scenery of the training frames.
    """
    training, validation = frames.split(VALIDATION_SHARE)
    if isinstance(module, Transporter):
        if module.foreground:
            still = background(training)
            module.set_scenery(still, travel_mask(training, still))
        return (
            FramePairs(training, batch_size, seed, rank=rank),
            FramePairs(validation, batch_size, seed, rank=rank),
        )
    still = background(training)
    travels = travel_mask(training, still)
    return (
        MotionFrames(training, batch_size, still, travels, seed, rank),
        MotionFrames(validation, batch_size, still, travels, seed, rank),
    )


class Training:
    """One training: a module, its optimiser, its data, and where it stands.

    Args:
        fabric: Launched.
        module: The model.
        settings: From :func:`read_hyperparams`.
        facts: What identifies the run; a checkpoint of another run is refused.
        folder: Of the checkpoint.
    """

    def __init__(
        self,
        fabric: Fabric,
        module: PerceptionModule,
        settings: dict[str, Any],
        facts: dict[str, Any],
        folder: Path,
    ) -> None:
        self.fabric, self.settings, self.facts = fabric, settings, facts
        self.checkpoint = folder / "checkpoint.pt"
        self.module = module
        optimizer = torch.optim.Adam(module.parameter_groups(), settings["learning_rate"])
        self.model, self.optimizer = fabric.setup(module, optimizer)
        self.model.mark_forward_method("loss")
        self.step = 0
        self.stale = 0
        self.best = float("inf")
        self.best_state: dict[str, torch.Tensor] = {}
        self.losses: dict[str, float] = {}
        if self.checkpoint.exists():
            self._load()

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return int(self.settings["n_timesteps"])

    @property
    def finished(self) -> bool:
        """True when all steps are done or validation has long not improved."""
        return self.step >= self.total or self.stale >= self.settings["patience"]

    def fit(self, training: Dataset, validation: Dataset, progress: bool) -> None:
        """Trains until finished; item s of ``training`` is the batch of step s."""
        loader = self.fabric.setup_dataloaders(
            DataLoader(training, batch_size=None, sampler=range(self.step, self.total)),
            use_distributed_sampler=False,
        )
        bar = tqdm(total=self.total, initial=self.step, unit="step", disable=not progress)
        batch: Any
        for batch in loader:
            if self.finished:
                break
            losses = self._train_step(batch)
            self.step += 1
            bar.update()
            if self.step % 50 == 0:
                values = {key: float(value.detach()) for key, value in losses.items()}
                self.fabric.log_dict({f"train/{k}": v for k, v in values.items()}, self.step)
                bar.set_postfix(loss=f"{values['loss']:.3f}")
            if self.step % self.settings["eval_freq"] == 0 or self.step == self.total:
                self._validate(validation)
            if self.step % self.settings["checkpoint_every"] == 0 or self.step == self.total:
                self._save()
        bar.close()

    def _train_step(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        progress = self.step / self.total
        key = "learning_rate" if progress < 0.8 else "final_learning_rate"
        for group in self.optimizer.param_groups:
            group["lr"] = float(self.settings[key])
        self.model.train()
        losses = self.model.loss(batch, progress)
        self.optimizer.zero_grad()
        self.fabric.backward(losses["loss"])
        self.optimizer.step()
        return losses

    @torch.no_grad()
    def _validate(self, validation: Dataset) -> None:
        self.model.eval()
        sums: dict[str, float] = {}
        for i in range(VALIDATION_BATCHES):
            batch = self.fabric.to_device(validation[i])
            for key, value in self.model.loss(batch, 1.0).items():
                mean: Any = self.fabric.all_reduce(value)
                sums[key] = sums.get(key, 0.0) + float(mean) / VALIDATION_BATCHES
        self.fabric.log_dict({f"validation/{k}": v for k, v in sums.items()}, self.step)
        if self.fabric.is_global_zero:
            self._log_pictures(batch)
        if self.step < FIRST_STOP * self.total and self.step != self.total:
            return
        score = sums.get("reconstruction", sums["loss"])
        self.stale += 1
        if score < self.best:
            self.best, self.stale, self.losses = score, 0, sums
            state = self.module.state_dict()
            self.best_state = {k: v.detach().cpu().clone() for k, v in state.items()}

    def _log_pictures(self, batch: dict[str, torch.Tensor]) -> None:
        """Writes input, target or reconstruction, and keypoints of four frames to TensorBoard."""
        few = {key: value[:4] for key, value in batch.items()}
        columns = [value.cpu() for value in self.module.pictures(few).values()]
        percepts = self.module.perceive(columns[0].to(self.fabric.device))
        frames = (columns[0] * 255).byte().permute(0, 2, 3, 1).numpy()
        for i, frame in enumerate(frames):
            shown = {key: value[i].float().cpu().numpy() for key, value in percepts.items()}
            drawn = torch.from_numpy(draw_percepts(frame, shown)).permute(2, 0, 1) / 255
            size = drawn.shape[-2:]
            row = [torch.nn.functional.interpolate(c[i][None], size)[0] for c in columns]
            picture = torch.cat([*row, drawn], dim=2)
            for logger in self.fabric.loggers:
                logger.experiment.add_image(f"frame {i}", picture, self.step)  # type: ignore[attr-defined]

    def _save(self) -> None:
        state = {
            "facts": self.facts,
            "step": self.step,
            "stale": self.stale,
            "best": self.best,
            "best_state": self.best_state,
            "losses": self.losses,
            "model": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.fabric.is_global_zero:
            buffer = io.BytesIO()
            torch.save(state, buffer)
            with write_atomically(self.checkpoint) as file:
                file.write(buffer.getbuffer())
        self.fabric.barrier()

    def _load(self) -> None:
        cure = f"Remove {self.checkpoint.parent} or give another --log-folder."
        try:
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            facts = state["facts"]
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ValueError(f"{self.checkpoint} is damaged ({error}). {cure}") from error
        if facts != self.facts:
            there, here = ({**f["arguments"], **f, "arguments": None} for f in (facts, self.facts))
            other = {k: there.get(k) for k in here if there.get(k) != here[k]}
            raise ValueError(f"{self.checkpoint} is of a run with other settings: {other}. {cure}")
        self.module.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for key in ("step", "stale", "best", "best_state", "losses"):
            setattr(self, key, state[key])


def pretrain(options: argparse.Namespace) -> Path:
    """Trains, writes the weights and returns their folder."""
    game = check_game(options.game)
    cls = model_class(options.model)
    settings = read_hyperparams(options.model, game, options.hyperparams)
    if options.n_timesteps is not None:
        settings["n_timesteps"] = options.n_timesteps
    run = options.log_folder / "perception" / f"{options.model}-{game}-{options.seed}"
    fabric = Fabric(
        accelerator={"cuda": "gpu"}.get(options.device, options.device),
        devices=options.devices,
        num_nodes=options.num_nodes,
        precision=options.precision,
        loggers=TensorBoardLogger(run, name="tensorboard", version=""),
    )
    fabric.launch()
    seed_everything(options.seed, verbose=False)
    arguments = settings.pop("model")
    module = cls(**arguments)
    folder = options.frames_folder or frames_folder(game)
    show = not options.no_progress and fabric.is_global_zero
    if fabric.is_global_zero:
        run.mkdir(parents=True, exist_ok=True)
        if options.frames_folder is None:
            collect(game, folder, settings["n_frames"], seed=1, progress=show)
    fabric.barrier()
    facts = {"model": options.model, "game": game, "seed": options.seed, **settings}
    facts["arguments"] = arguments
    frames = read_frames(folder, cls.size)
    count = int(np.prod(frames.starts.shape))
    batches = make_datasets(
        module, frames, settings["batch_size"], options.seed, fabric.global_rank
    )
    training = Training(fabric, module, settings, facts, run)
    if not training.finished:
        training.fit(*batches, progress=show)
    output = options.output or cache_folder("weights", weights_name(options.model, game))
    if fabric.is_global_zero:
        module.load_state_dict(training.best_state)
        module.record = {
            "game": game,
            "training": {
                "command": shlex.join(["python", "zoo/pretrain.py", *sys.argv[1:]]),
                "frames": count,
                "steps": training.step,
                "batch_size": settings["batch_size"],
                "seed": options.seed,
                "validation": {key: round(value, 5) for key, value in training.losses.items()},
            },
        }
        module.save_pretrained(output)
    fabric.barrier()
    return output


def main() -> None:
    """Trains, then says what was written and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="motion or transporter")
    parser.add_argument("--game", required=True, help="as ids spell it, e.g. MsPacman")
    parser.add_argument("-n", "--n-timesteps", type=int, help="optimiser steps")
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="key:value")
    parser.add_argument("--frames-folder", type=Path, help="of zoo/collect.py; default: the cache")
    parser.add_argument("--output", type=Path, help="weights folder; default: the user's cache")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("logs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--devices", default="1", help="processes on each node, as in Fabric")
    parser.add_argument("--num-nodes", type=int, default=1)
    parser.add_argument("--precision", default="32-true", help="e.g. bf16-mixed, as in Fabric")
    parser.add_argument("--no-progress", action="store_true", help="show no bar")
    options = parser.parse_args()
    try:
        output = pretrain(options)
    except (ValueError, OSError) as error:
        raise SystemExit(f"pretrain: {error}") from error
    game = check_game(options.game)
    print(f"Wrote {output}/config.json and model.safetensors")
    print(
        f"Next: python zoo/record.py --env ObjKeypoints-{game}-v0 --env-kwargs "
        f"model:\"'{options.model}'\" -o {game}.mp4"
    )


if __name__ == "__main__":
    main()
