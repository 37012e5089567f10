"""Recurrent deep Q-learning from replayed sequences.

Hausknecht & Stone 2015 (arXiv 1507.06527) with double Q-learning and n-step targets, as PermaKey's
agents (Gopalakrishnan et al. 2021), whose published target counts rewards too late; here it is
Σ_{i<n} γ^i r_{t+i} + γ^n Q'(s_{t+n}, argmax Q(s_{t+n})). Stored states and burn-in as in R2D2
(Kapturowski et al. 2019) are options.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.utils import polyak_update
from torch import Tensor

from objwrappers.sb3.recurrent_dqn.networks import (
    CnnLstmPolicy,
    MlpLstmPolicy,
    MultiInputLstmPolicy,
    RecurrentQNetwork,
)
from objwrappers.sb3.recurrent_dqn.sequence_buffer import SequenceReplayBuffer, Sequences
from objwrappers.sb3.recurrent_dqn.targets import n_step_targets

__all__ = ["RecurrentDQN"]


class RecurrentDQN(DQN):
    """Deep Q-learning with an LSTM, for what a single observation does not tell.

    Args:
        policy: ``"MlpLstmPolicy"``, ``"CnnLstmPolicy"``, ``"MultiInputLstmPolicy"``, or a class.
        env: As in all of Stable-Baselines3.
        learning_rate: Of Adam; may be a schedule.
        buffer_size: Steps kept, of all envs together.
        learning_starts: Steps before learning, by random actions.
        batch_size: Sequences in a batch.
        sequence_length: Steps of a sequence that are learnt from.
        burn_in: Steps before them that only warm up the recurrent state.
        store_states: Begin a sequence in the state in which the agent was; else in zeros.
        n_steps: Of the targets, n.
        tau: Share of the target network that is replaced at each update.
        gamma: Discount factor.
        train_freq: Env steps between updates.
        gradient_steps: Updates then.
        double_q: The online network chooses the action whose value the target network gives.
        exploration_fraction: Share of the training in which ε falls.
        exploration_initial_eps: ε at first: the probability of a random action, for each env.
        exploration_final_eps: ε at last.
        max_grad_norm: Gradients are clipped to.
        stats_window_size: Episodes averaged in the log.
        tensorboard_log: Folder.
        policy_kwargs: ``lstm_hidden_size`` and the options of SB3's policies.
        verbose: 0, 1 or 2.
        seed: Of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.

    Raises:
        ValueError: A length or size below 1, or a negative burn-in.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpLstmPolicy": MlpLstmPolicy,
        "CnnLstmPolicy": CnnLstmPolicy,
        "MultiInputLstmPolicy": MultiInputLstmPolicy,
    }
    policy: MlpLstmPolicy
    q_net: RecurrentQNetwork
    q_net_target: RecurrentQNetwork
    replay_buffer: SequenceReplayBuffer

    def __init__(
        self,
        policy: str | type[MlpLstmPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-4,
        buffer_size: int = 100_000,
        learning_starts: int = 10_000,
        batch_size: int = 16,
        sequence_length: int = 8,
        burn_in: int = 0,
        store_states: bool = False,
        n_steps: int = 3,
        tau: float = 0.005,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 4,
        gradient_steps: int = 1,
        double_q: bool = True,
        exploration_fraction: float = 1.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.1,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        if min(batch_size, sequence_length, n_steps) < 1 or burn_in < 0:
            raise ValueError(
                "batch_size, sequence_length and n_steps must be at least 1 and burn_in at least "
                f"0, got {batch_size}, {sequence_length}, {n_steps} and {burn_in}."
            )
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            buffer_size=buffer_size,
            learning_starts=learning_starts,
            batch_size=batch_size,
            tau=tau,
            gamma=gamma,
            train_freq=train_freq,
            gradient_steps=gradient_steps,
            replay_buffer_class=SequenceReplayBuffer,
            target_update_interval=10_000,  # unused: the update is soft, at each gradient step
            exploration_fraction=exploration_fraction,
            exploration_initial_eps=exploration_initial_eps,
            exploration_final_eps=exploration_final_eps,
            max_grad_norm=max_grad_norm,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=False,
        )
        self.sequence_length, self.burn_in = sequence_length, burn_in
        self.target_steps, self.double_q = n_steps, double_q
        self.replay_buffer_kwargs = {
            "window": burn_in + sequence_length + n_steps,
            "hidden_size": self.policy_kwargs.get("lstm_hidden_size", 128),
            "store_states": store_states,
        }
        self._state: tuple[np.ndarray, ...] | None = None
        self._starts: np.ndarray | None = None
        if _init_setup_model:
            self._setup_model()

    def _setup_learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        reset_num_timesteps: bool = True,
        tb_log_name: str = "run",
        progress_bar: bool = False,
    ) -> tuple[int, BaseCallback]:
        goes_on = not reset_num_timesteps and self._last_obs is not None
        result = super()._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        if not goes_on or self._starts is None:
            self._state = None
            self._starts = np.ones(self.n_envs, bool)
            self.replay_buffer.begin_episodes()
        return result

    def _on_step(self) -> None:
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Returns actions and the recurrent state after, which the next call takes.

        Args:
            observation: Of one env or of several.
            state: From the last call; None at first.
            episode_start: bool (n_envs,), where an episode begins.
            deterministic: No random actions; else each env's is random with probability ε.
        """
        action, state = self.policy.predict(observation, state, episode_start, True)
        if not deterministic:
            explores = np.random.rand(*action.shape) < self.exploration_rate
            drawn = [self.action_space.sample() for _ in range(action.size)]
            action = np.where(explores, np.reshape(drawn, action.shape), action)
        return action, state

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._last_obs is not None and self._starts is not None
        if self._state is None:
            zeros = np.zeros((1, n_envs, self.q_net.hidden_size), np.float32)
            self._state = (zeros, zeros)
        # What the state was before this step, forgotten where an episode begins.
        kept = (~self._starts)[:, None].astype(np.float32)
        self.replay_buffer.note_states(self._state[0][0] * kept, self._state[1][0] * kept)
        action, self._state = self.predict(self._last_obs, self._state, self._starts)
        if self.num_timesteps < learning_starts:
            action = np.array([self.action_space.sample() for _ in range(n_envs)])
        return action, action

    def _store_transition(
        self,
        replay_buffer: Any,
        buffer_action: np.ndarray,
        new_obs: np.ndarray | dict[str, np.ndarray],
        reward: np.ndarray,
        dones: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
        self._starts = np.asarray(dones, bool)

    def train(self, gradient_steps: int, batch_size: int = 16) -> None:
        """Does updates, each followed by a soft update of the target network.

        A loaded agent without its replay buffer makes steps first.
        """
        if not self.replay_buffer.ready:
            return
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses, means = [], []
        for _ in range(gradient_steps):
            sequences = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            loss, mean = self._loss(sequences)
            self.policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            polyak_update(self.q_net.parameters(), self.q_net_target.parameters(), self.tau)
            polyak_update(self.batch_norm_stats, self.batch_norm_stats_target, 1.0)
            losses.append(loss.item())
            means.append(mean)
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))
        self.logger.record("train/q_mean", np.mean(means))

    def _loss(self, sequences: Sequences) -> tuple[Tensor, float]:
        """Half the squared error of the values of the actions taken, and their mean."""
        online = self._values(self.q_net, sequences)
        with torch.no_grad():
            target = self._values(self.q_net_target, sequences)
            chosen = (online if self.double_q else target).argmax(-1, keepdim=True)
            best = target.gather(-1, chosen).squeeze(-1)
        learnt = slice(self.burn_in, None)
        targets = n_step_targets(
            sequences.rewards[learnt],
            sequences.terminated[learnt],
            sequences.last[learnt],
            best[learnt],
            self.gamma,
            self.target_steps,
        )
        steps = slice(self.burn_in, self.burn_in + self.sequence_length)
        taken = online[steps].gather(-1, sequences.actions[steps].unsqueeze(-1)).squeeze(-1)
        acted = 1 - sequences.last[steps]
        squared = 0.5 * (taken - targets).square() * acted
        return squared.sum() / acted.sum().clamp(min=1), taken.mean().item()

    def _values(self, network: RecurrentQNetwork, sequences: Sequences) -> Tensor:
        """(T, B, A); gradients flow through the steps that are learnt from only."""
        first, after = self.burn_in, self.burn_in + self.sequence_length
        state, values = sequences.states, []
        for rows, learnt in (
            (slice(first), False),
            (slice(first, after), True),
            (slice(after, None), False),
        ):
            starts = sequences.starts[rows]
            if not len(starts):
                continue
            seen = sequences.observations
            part = {k: v[rows] for k, v in seen.items()} if isinstance(seen, dict) else seen[rows]
            with torch.set_grad_enabled(learnt and torch.is_grad_enabled()):
                of_part, state = network.unroll(part, state, starts)
            values.append(of_part)
        return torch.cat(values)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 4,
        tb_log_name: str = "RecurrentDQN",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> RecurrentDQN:
        """See :meth:`stable_baselines3.DQN.learn`."""
        return super().learn(
            total_timesteps,
            callback=callback,
            log_interval=log_interval,
            tb_log_name=tb_log_name,
            reset_num_timesteps=reset_num_timesteps,
            progress_bar=progress_bar,
        )

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_state", "_starts"]
