"""The training loop of whatever can be trained, on Lightning Fabric.

It knows no model by name: a model says its loss, optimiser, schedule, clipping, the figure that
chooses a checkpoint, and its pictures (:class:`~objwrappers.perception.trainable.Trainable`). Item
s of a dataset is the batch of step s, so that a resumed training sees what an uninterrupted one
does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from objwrappers.checkpoints import check_finite, load_checkpoint, naming_damage, save_checkpoint
from objwrappers.perception.trainable import Trainable
from objwrappers.pretraining.flow import log_flow
from objwrappers.rendering.overlay import draw_percepts

__all__ = ["Training"]

VALIDATION_BATCHES = 8
LOG_EVERY = 50  # steps
SHOWN = 4  # frames in TensorBoard
COLUMNS = 7  # pictures of a frame beside each other; others below

KINDS: dict[str, type] = {
    **{"facts": dict, "step": int, "stale": int, "best": float, "best_state": dict},
    **{"losses": dict, "model": dict, "optimizer": dict, "scheduler": object},
}
"""What a checkpoint holds."""


class Training:
    """One training: a module, its optimiser, its data, and where it stands.

    Args:
        fabric: Launched.
        module: The model.
        settings: Hyperparameters, of hyperparams/perception.
        facts: What identifies the run; a checkpoint of another run is refused.
        folder: Of the checkpoint.
        evaluate: Module → figures beyond its loss, logged at each evaluation; it must draw no
            random numbers of torch's and change nothing.
        flow: Log weights and gradients layer by layer, as often as validation.
    """

    def __init__(
        self,
        fabric: Fabric,
        module: Trainable,
        settings: dict[str, Any],
        facts: dict[str, Any],
        folder: Path,
        evaluate: Callable[[Trainable], dict[str, float]] | None = None,
        flow: bool = False,
    ) -> None:
        self._evaluate, self._flow = evaluate, flow
        self.fabric, self.settings, self.facts = fabric, settings, facts
        self.checkpoint = folder / "checkpoint.pt"
        self.module = module
        optimization = module.configure_optimizers(settings, self.total)
        self.scheduler, self.interval = optimization.scheduler, optimization.interval
        self.model, self.optimizer = fabric.setup(module, optimization.optimizer)
        self.model.mark_forward_method("loss")
        self.step = 0
        self.stale = 0
        self.best = math.inf
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
            if self.step % LOG_EVERY == 0:
                values = {key: float(value.detach()) for key, value in losses.items()}
                self.fabric.log_dict({f"train/{k}": v for k, v in values.items()}, self.step)
                bar.set_postfix(loss=f"{values['loss']:.3f}")
            if self.step % self.settings["eval_freq"] == 0 or self.step == self.total:
                if self._flow and self.fabric.is_global_zero:
                    log_flow((x.experiment for x in self.fabric.loggers), self.module, self.step)  # type: ignore[attr-defined]
                self._validate(validation)
            if self.step % self.settings["checkpoint_every"] == 0 or self.step == self.total:
                self._save()
        bar.close()

    def _train_step(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self.model.train()
        # Models draw at random too; a resumed training draws what an uninterrupted one does.
        torch.manual_seed(hash((self.facts["seed"], self.fabric.global_rank, self.step)))
        losses = self.model.loss(batch, self.step / self.total)
        self.optimizer.zero_grad()
        self.fabric.backward(losses["loss"])
        if self.module.gradient_clip_norm is not None:
            self.fabric.clip_gradients(
                self.model,
                self.optimizer,
                max_norm=self.module.gradient_clip_norm,
                error_if_nonfinite=False,
            )
        self.optimizer.step()
        if self.scheduler is not None and self.interval == "step":
            self.scheduler.step()
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
        if self._evaluate is not None and self.fabric.is_global_zero:
            sums |= self._evaluate(self.module)
        self.fabric.log_dict({f"validation/{k}": v for k, v in sums.items()}, self.step)
        figure = sums[self.module.monitor]
        if self.scheduler is not None and self.interval == "validation":
            self.scheduler.step(figure)
        if self.fabric.is_global_zero:
            self._log_pictures({key: value[:SHOWN] for key, value in batch.items()})
        if self.step < self.module.settled * self.total and self.step != self.total:
            return
        self.stale += 1
        if figure < self.best:
            self.best, self.stale, self.losses = figure, 0, sums
            state = self.module.state_dict()
            self.best_state = {k: v.detach().cpu().clone() for k, v in state.items()}

    def _log_pictures(self, few: dict[str, torch.Tensor]) -> None:
        """Writes a model's pictures of a few frames to TensorBoard, its percepts on the first."""
        columns = [value.float().cpu() for value in self.module.pictures(few).values()]
        if (percepts := self.module.percepts(few)) is not None:
            arrays = {key: value.float().cpu().numpy() for key, value in percepts.items()}
            frames = (columns[0] * 255).byte().permute(0, 2, 3, 1).numpy()
            drawn = [
                draw_percepts(frame, {key: value[i] for key, value in arrays.items()})
                for i, frame in enumerate(frames)
            ]
            columns.append(torch.stack([torch.from_numpy(p) for p in drawn]).movedim(-1, 1) / 255)
        size = tuple(max(column.shape[axis] for column in columns) for axis in (-2, -1))
        enlarged = [torch.nn.functional.interpolate(column, size) for column in columns]
        while len(enlarged) > COLUMNS and len(enlarged) % COLUMNS:
            enlarged.append(torch.zeros_like(enlarged[0]))
        rows = [enlarged[i : i + COLUMNS] for i in range(0, len(enlarged), COLUMNS)]
        together = torch.cat([torch.cat(row, dim=-1) for row in rows], dim=-2)
        for i, picture in enumerate(together):
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
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
        }
        if self.fabric.is_global_zero:
            save_checkpoint(self.checkpoint, state)
        self.fabric.barrier()

    def _load(self) -> None:
        cure = f"Remove {self.checkpoint.parent} or give another --log-folder."
        state = load_checkpoint(self.checkpoint, KINDS, cure)
        if (facts := state["facts"]) != self.facts:
            with naming_damage(self.checkpoint, cure):
                there, here = (
                    {**f["arguments"], **f, "arguments": None} for f in (facts, self.facts)
                )
            other = {k: there.get(k) for k in here if there.get(k) != here[k]}
            raise ValueError(f"{self.checkpoint} is of a run with other settings: {other}. {cure}")
        with naming_damage(self.checkpoint, cure):
            if not 0 <= state["step"] <= self.total:
                raise ValueError(f"step {state['step']} of {self.total}")
            check_finite("best_state", state["best_state"])
            for weights in filter(None, (state["best_state"], state["model"])):
                self.module.load_state_dict(weights)
            self.optimizer.load_state_dict(state["optimizer"])
            if self.scheduler is not None:
                self.scheduler.load_state_dict(state["scheduler"])
        for key in ("step", "stale", "best", "best_state", "losses"):
            setattr(self, key, state[key])
