"""DrQ-v2: actor-critic control from pixels (Yarats, Fergus, Lazaric & Pinto, arXiv 2107.09645).

Images are shifted at random in updates; the critic alone trains the encoder; targets are
Σ_{i<n} γ^i r_{t+i} + γ^n min(Q̄1, Q̄2)(s_{t+n}, ã), where ã is the actor's action with clipped noise,
whose deviation falls with the steps.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.utils import polyak_update
from torch import Tensor
from torch.nn import functional

from objwrappers.sb3.drqv2.augmentation import random_shift
from objwrappers.sb3.drqv2.frame_buffer import GB, FrameReplayBuffer, Transitions
from objwrappers.sb3.drqv2.networks import DrQv2Policy, check_spaces
from objwrappers.sb3.drqv2.schedule import LinearSchedule, read_schedule

__all__ = ["DrQv2"]

LARGEST = 1 - 1e-6  # action


class DrQv2(OffPolicyAlgorithm):
    """Learns continuous actions from images.

    The replay keeps each frame once and takes ``buffer_size`` times the bytes of one, 21.2 GB for
    a million of 84 × 84 in colour; how much is logged before the training begins. It is not saved
    with the agent: one that goes on makes ``learning_starts`` steps by its own noisy actions
    before its next update.

    Args:
        policy: ``"CnnPolicy"`` or a class.
        env: Its observations are uint8 images, or stacks of them with the newest last.
        learning_rate: Of Adam; may be a schedule.
        buffer_size: Frames kept, of all envs together.
        learning_starts: Steps before learning, by random actions.
        batch_size: Steps in a batch.
        tau: Share of the critic's target that is replaced at each update.
        gamma: Discount factor.
        train_freq: Env steps between updates.
        gradient_steps: Updates then.
        n_steps: Of the targets, n.
        noise_schedule: Standard deviation of the noise by the step,
            ``"linear(initial,final,steps)"``, or one number.
        noise_clip: Bound of the noise in updates.
        shift_px: Largest random shift.
        frame_channels: Of one frame in a stack; None is 3 where the image's are a multiple of it,
            else 1.
        stats_window_size: Episodes averaged in the log.
        tensorboard_log: Folder.
        policy_kwargs: Of :class:`~objwrappers.sb3.drqv2.networks.DrQv2Policy`.
        verbose: 0, 1 or 2.
        seed: Of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.

    Raises:
        ValueError: Spaces of another kind, an option out of its range, or a replay larger than
            the free memory.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"CnnPolicy": DrQv2Policy}
    policy: DrQv2Policy
    replay_buffer: FrameReplayBuffer

    def __init__(
        self,
        policy: str | type[DrQv2Policy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-4,
        buffer_size: int = 1_000_000,
        learning_starts: int = 2_000,
        batch_size: int = 256,
        tau: float = 0.01,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 2,
        gradient_steps: int = 1,
        n_steps: int = 3,
        noise_schedule: str | float = "linear(1.0,0.1,500000)",
        noise_clip: float = 0.3,
        shift_px: int = 4,
        frame_channels: int | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        super().__init__(
            policy,
            env,
            learning_rate,
            buffer_size,
            learning_starts,
            batch_size,
            tau,
            gamma,
            train_freq,
            gradient_steps,
            replay_buffer_class=FrameReplayBuffer,
            n_steps=n_steps,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=seed,
            sde_support=False,
        )
        self.frame_channels = frame_channels
        self.noise_schedule, self.noise_clip, self.shift_px = noise_schedule, noise_clip, shift_px
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        # A training that goes on may have changed any of these.
        if min(self.batch_size, self.n_steps) < 1 or min(self.shift_px, self.noise_clip) < 0:
            raise ValueError(
                "batch_size and n_steps must be at least 1, shift_px and noise_clip at least 0, "
                f"got {self.batch_size}, {self.n_steps}, {self.shift_px}, {self.noise_clip}."
            )
        self._noise: LinearSchedule = read_schedule(self.noise_schedule)
        check_spaces(self.observation_space, self.action_space)
        self.replay_buffer_kwargs = {
            "frame_channels": self.frame_channels,
            "n_steps": self.n_steps,
            "gamma": self.gamma,
        }
        with warnings.catch_warnings():
            # It is not ignored.
            warnings.filterwarnings("ignore", r"`n_steps=\d+` is ignored")
            super()._setup_model()
        if self.env is not None:
            self.replay_buffer.reserve()

    def _setup_learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        reset_num_timesteps: bool = True,
        tb_log_name: str = "run",
        progress_bar: bool = False,
    ) -> tuple[int, BaseCallback]:
        self.replay_buffer.reserve()
        goes_on = not reset_num_timesteps and self._last_obs is not None
        result = super()._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        if not goes_on:
            self.replay_buffer.begin_episodes()
        buffer = self.replay_buffer
        self.logger.info(
            f"The replay of {buffer.capacity:,} frames will take {buffer.size_bytes / GB:.2f} GB "
            "of memory once it is full."
        )
        return result

    @property
    def noise_std(self) -> float:
        """Standard deviation of the noise at the present step."""
        return self._noise(self.num_timesteps)

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.num_timesteps < learning_starts:
            return super()._sample_action(learning_starts, action_noise, n_envs)
        assert self._last_obs is not None
        mean = self.policy.scale_action(self.predict(self._last_obs, deterministic=True)[0])
        noise = self.noise_std * np.random.standard_normal(mean.shape)
        scaled = np.clip(mean + noise, -LARGEST, LARGEST).astype(np.float32)
        return self.policy.unscale_action(scaled), scaled

    def train(self, gradient_steps: int, batch_size: int = 256) -> None:
        """Does updates of critic and encoder, of the actor and of the critic's target.

        A loaded agent without its replay makes steps first.
        """
        buffer = self.replay_buffer
        if not buffer.ready or buffer.size() < min(self.learning_starts, buffer.capacity):
            return
        self.policy.set_training_mode(True)
        policy = self.policy
        self._update_learning_rate([policy.actor.optimizer, policy.critic.optimizer])
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            features = self._update_critic(batch)
            self._update_actor(features)
            polyak_update(policy.critic.parameters(), policy.critic_target.parameters(), self.tau)
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/noise_std", self.noise_std)

    def _update_critic(self, batch: Transitions) -> Tensor:
        """Updates critic and encoder; returns the features (B, F) from before."""
        policy = self.policy
        features = policy.encoder(random_shift(batch.observations, self.shift_px))
        with torch.no_grad():
            after = policy.encoder(random_shift(batch.next_observations, self.shift_px))
            values = torch.min(*policy.critic_target(after, self._noisy(policy.actor(after))))
            targets = batch.rewards + batch.discounts * values
        q1, q2 = policy.critic(features, batch.actions)
        loss = functional.mse_loss(q1, targets) + functional.mse_loss(q2, targets)
        policy.critic.optimizer.zero_grad()
        loss.backward()
        policy.critic.optimizer.step()
        self.logger.record("train/critic_loss", loss.item())
        self.logger.record("train/q_mean", q1.mean().item())
        return features.detach()

    def _update_actor(self, features: Tensor) -> None:
        actor = self.policy.actor
        loss = -torch.min(*self.policy.critic(features, self._noisy(actor(features)))).mean()
        actor.optimizer.zero_grad()
        loss.backward(inputs=[*actor.parameters()])
        actor.optimizer.step()
        self.logger.record("train/actor_loss", loss.item())

    def _noisy(self, means: Tensor) -> Tensor:
        """Actions with clipped noise, within bounds that gradients do not see."""
        noise = torch.randn_like(means) * self.noise_std
        noisy = means + noise.clamp(-self.noise_clip, self.noise_clip)
        return noisy + (noisy.clamp(-LARGEST, LARGEST) - noisy).detach()

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 4,
        tb_log_name: str = "DrQv2",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> DrQv2:
        """See :meth:`stable_baselines3.common.off_policy_algorithm.OffPolicyAlgorithm.learn`."""
        return super().learn(
            total_timesteps,
            callback,
            log_interval,
            tb_log_name,
            reset_num_timesteps,
            progress_bar,
        )

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_noise"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy", "policy.actor.optimizer", "policy.critic.optimizer"], []
