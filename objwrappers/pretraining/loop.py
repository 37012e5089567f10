"""The training loop of perception models, on Lightning Fabric.

Item s of a dataset is the batch of step s, so that a resumed training sees what an uninterrupted
one does.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from objwrappers.files import write_atomically
from objwrappers.perception.base import PerceptionModule
from objwrappers.rendering.overlay import draw_percepts

VALIDATION_BATCHES = 8
FIRST_STOP = 0.7  # no early stopping while σ still falls, share of the training


class Training:
    """One training: a module, its optimiser, its data, and where it stands.

    Args:
        fabric: Launched.
        module: The model.
        settings: Hyperparameters, of hyperparams/perception.
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
        # Models draw at random too; a resumed training draws what an uninterrupted one does.
        torch.manual_seed(hash((self.facts["seed"], self.fabric.global_rank, self.step)))
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
