"""Objects that keep their rows: detections of each step → tracks with a velocity.

* :class:`Tracker`: assignment within a class, gate, coasting, α-β filter; for all envs at once
* :class:`Track`: a scene model and a tracker, as one transform of frames
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from scipy.optimize import linear_sum_assignment

from objwrappers.names import check_name
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, SceneModule
from objwrappers.rendering.overlay import draw_percepts
from objwrappers.wrappers.base import FrameTransform, Observation, chosen
from objwrappers.wrappers.perception import Perceive

__all__ = ["SPARE_ROWS", "Track", "Tracker"]

SPARE_ROWS = 2
"""Candidates of each class that a tracker sees beyond its rows: of them it wants the near ones."""

OPTIONS = ("gate", "coast", "alpha", "beta")
MOST_SEEN = 1000  # where counting ends

Arrays = dict[str, np.ndarray]


class Tracker:
    """Follows objects: the same one in the same row, with a velocity; state for all envs.

    At each step, objects are where their velocity takes them; detections of their class are
    assigned to them such that the sum of squared distances is least, an object without one
    counting as the gate (Blackman and Popoli 1999, global nearest neighbour). What is assigned
    corrects place and velocity by an α-β filter. A detection that is left over takes the first
    free row of its class.

    How much to filter hangs on how well objects are found. With places from the console's memory
    and noise of σ = .7 pixels, the mean error of place and velocity, pixels, is in Pong 1.5 and
    1.9 by default, 3.4 and 3.1 with α = .6 and β = .3, in Breakout 1.0 and 2.0, 3.1 and 3.3, in
    Ms. Pac-Man 1.0 and .8, 1.1 and .9: what bounces or turns is late. With σ = 3 it is 4.8 and
    3.7, 5.1 and 3.7 in Pong, and in Ms. Pac-Man, whose objects move smoothly, 3.8 and 2.8, 2.9 and
    1.7.

    An object that is not found coasts: it goes on with its velocity, and ``present`` stays what
    it was when it was last seen. It ends after ``coast`` steps, after as many as it had been seen
    before, so that what flashes up once does not linger, or outside the frame. What begins within
    a quarter of the gate of where an object of another class coasts is that object under another
    name: the old row is free, and its velocity passes on. (Of ``motion`` scenes of Ms. Pac-Man, ten
    classes found without labels, 1.9 doubles a frame would coast otherwise; .01 do.)

    Args:
        num_envs: Envs whose objects are followed, N.
        rows: Rows of each class, R together.
        candidates: Detections of each class that are offered, M together; by default ``rows``.
        frame_size: Height and width of the native frame, pixels: distances are measured in it.
        gate: Distance between where an object should be and a detection of it at most, pixels.
        coast: Steps that an object lasts without being found.
        alpha: Share of the error that corrects the place, 1 for places as they are found.
        beta: Share of the error that corrects the velocity.

    Raises:
        ValueError: Fewer candidates than rows, a gate that is not positive, or a negative number.
    """

    def __init__(
        self,
        num_envs: int,
        rows: Sequence[int],
        candidates: Sequence[int] | None = None,
        frame_size: tuple[int, int] = (210, 160),
        gate: float = 30.0,
        coast: int = 3,
        alpha: float = 1.0,
        beta: float = 0.6,
    ) -> None:
        offered = tuple(rows) if candidates is None else tuple(candidates)
        if len(offered) != len(rows) or any(m < r for m, r in zip(offered, rows, strict=False)):
            raise ValueError(f"candidates must be at least the rows {tuple(rows)}, got {offered}.")
        if not gate > 0 or coast < 0 or not 0 <= alpha <= 1 or not 0 <= beta <= 1:
            raise ValueError(
                f"gate must be positive, coast at least 0, alpha and beta in [0, 1]; got "
                f"gate={gate}, coast={coast}, alpha={alpha}, beta={beta}."
            )
        self._num_envs, self._coast, self._alpha, self._beta = num_envs, coast, alpha, beta
        self._gate = np.float32(gate**2)
        height, width = frame_size
        self._half_size = np.array([width / 2, height / 2], np.float32)
        self._rows, self._offered = np.array(rows), np.array(offered)
        classes = np.arange(len(rows))
        self._row_class, self._class_of = classes.repeat(rows), classes.repeat(offered)
        self._first_row = self._rows.cumsum() - self._rows
        self._first = self._offered.cumsum() - self._offered
        # Row → its class's candidates; where a class has fewer than others, one that is nowhere.
        place = np.arange(self._offered.max())
        table = np.where(
            place < self._offered[:, None], self._first[:, None] + place, self._offered.sum()
        )
        self._table = table[self._row_class]
        self._state: Arrays = {}

    def __call__(self, percepts: Arrays, envs: np.ndarray, fresh: np.ndarray) -> Arrays:
        """Follows objects into the next step of the given envs.

        Args:
            percepts: Of n envs: ``boxes`` (n, M, 4), ``present`` (n, M) and ``what`` (n, M, D),
                the candidates of each class side by side. A box that is not finite is none.
            envs: int (n,), whose they are.
            fresh: bool (n,), True where an episode begins; a lost life is none.

        Returns:
            ``boxes`` (n, R, 4), the width and height as they were last seen, ``velocity``
            (n, R, 2) in units of [-1, 1] a step, ``present`` (n, R), ``what`` (n, R, D) as last
            seen, ``label`` (n, R), the class of each row, ``age`` (n, R), for how many steps the
            row has held its object, and ``missed`` (n, R), for how many it has not been found. A
            free row has zeros, and its label.
        """
        state = self._taken(percepts, envs, fresh)
        boxes, velocity, seen = state["boxes"], state["velocity"], state["seen"]
        alive = seen > 0
        there = percepts["present"] > PRESENT_THRESHOLD
        there &= np.isfinite(percepts["boxes"]).all(-1)
        boxes[..., :2] += velocity
        choice = self._assign(boxes[..., :2], alive, percepts["boxes"][..., :2], there)

        found = choice < there.shape[1]
        envs_of, rows_of = np.nonzero(found)
        source = envs_of, choice[envs_of, rows_of]
        target = envs_of, rows_of
        error = percepts["boxes"][source][:, :2] - boxes[target][:, :2]
        velocity[target] += self._beta * error
        boxes[envs_of, rows_of, :2] += self._alpha * error
        boxes[envs_of, rows_of, 2:] = percepts["boxes"][source][:, 2:]
        for key in ("present", "what"):
            state[key][target] = percepts[key][source]
        seen += found
        np.minimum(seen, MOST_SEEN, out=seen)
        state["age"] += alive
        state["missed"] = np.where(found, 0, state["missed"] + 1)

        outside = (np.abs(boxes[..., :2]) > 1).any(-1)
        lost = ~found & (outside | (state["missed"] > np.minimum(self._coast, seen)))
        for value in state.values():
            value[lost] = 0
        unclaimed = there
        unclaimed[source] = False
        if unclaimed.any():
            self._begin(state, percepts, unclaimed)
        return self._kept(state, envs)

    def _taken(self, percepts: Arrays, envs: np.ndarray, fresh: np.ndarray) -> Arrays:
        """Returns copies of the envs' state; where an episode begins, of no objects."""
        if not self._state:
            shape = self._num_envs, len(self._row_class)
            what = percepts["what"].shape[-1]
            self._state = {
                **{key: np.zeros(shape, np.int64) for key in ("seen", "missed", "age")},
                "present": np.zeros(shape, np.float32),
                "boxes": np.zeros((*shape, 4), np.float32),
                "velocity": np.zeros((*shape, 2), np.float32),
                "what": np.zeros((*shape, what), np.float32),
            }
        state = {key: value[envs] for key, value in self._state.items()}
        if fresh.any():
            for value in state.values():
                value[fresh] = 0
        return state

    def _kept(self, state: Arrays, envs: np.ndarray) -> Arrays:
        for key, value in state.items():
            self._state[key][envs] = value
        label = np.broadcast_to(self._row_class.astype(np.uint8), state["present"].shape).copy()
        given = {key: state[key] for key in ("boxes", "velocity", "present", "what")}
        counts = {key: state[key].astype(np.float32) for key in ("age", "missed")}
        return {**given, "label": label, **counts}

    def _assign(
        self, predicted: np.ndarray, alive: np.ndarray, found: np.ndarray, there: np.ndarray
    ) -> np.ndarray:
        """Returns the candidate of each row, int (n, R); M for none."""
        n, nobody = there.shape
        if not alive.any() or not there.any():
            return np.full(alive.shape, nobody)
        nowhere = np.full((n, nobody + 1, 2), np.inf, np.float32)
        nowhere[:, :nobody][there] = (found * self._half_size)[there]
        # What is not is infinitely far away, on the other side: no difference is NaN.
        place = np.where(alive[..., None], predicted * self._half_size, -np.inf)
        costs = np.square(nowhere[:, self._table, 0] - place[:, :, None, 0])
        costs += np.square(nowhere[:, self._table, 1] - place[:, :, None, 1])
        nearest = costs.argmin(-1)
        least = np.take_along_axis(costs, nearest[..., None], -1)[..., 0]
        rows = np.arange(alive.shape[1])
        choice = np.where(least <= self._gate, self._table[rows, nearest], nobody)
        # Where everyone's nearest is another one, no assignment costs less.
        claimed = np.bincount(
            (choice + (nobody + 1) * np.arange(n)[:, None]).ravel(), minlength=n * (nobody + 1)
        ).reshape(n, nobody + 1)[:, :nobody]
        if claimed.max() > 1:
            at, candidate = np.nonzero(claimed > 1)
            for env, kind in {*zip(at, self._class_of[candidate], strict=True)}:
                self._settle(choice, costs, int(env), int(kind))
        return choice

    def _settle(self, choice: np.ndarray, costs: np.ndarray, env: int, kind: int) -> None:
        """Assigns one class of one env, where several objects want the same detection."""
        first = self._first_row[kind]
        mine = slice(first, first + self._rows[kind])
        block = costs[env, mine, : self._offered[kind]]
        row, candidate = linear_sum_assignment(np.minimum(block, self._gate))
        near = block[row, candidate] <= self._gate
        choice[env, mine] = len(self._class_of)
        choice[env, first + row[near]] = self._first[kind] + candidate[near]

    def _begin(self, state: Arrays, percepts: Arrays, unclaimed: np.ndarray) -> None:
        """Puts detections of no object into the first free rows of their classes."""
        self._make_room(state, unclaimed)
        envs, candidates = np.nonzero(unclaimed)
        free_envs, free_rows = np.nonzero(state["seen"] == 0)
        # Both lists are sorted by env and class; the k-th new object takes the k-th free row.
        wanted = envs * len(self._rows) + self._class_of[candidates]
        offered = free_envs * len(self._rows) + self._row_class[free_rows]
        place = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
        place += np.searchsorted(offered, wanted)
        fits = place < np.searchsorted(offered, wanted, "right")
        source = envs[fits], candidates[fits]
        target = envs[fits], free_rows[place[fits]]
        for key in ("boxes", "present", "what"):
            state[key][target] = percepts[key][source]
        state["seen"][target] = state["age"][target] = 1
        self._rename(state, *target)

    def _make_room(self, state: Arrays, unclaimed: np.ndarray) -> None:
        """Ends objects that coast where new ones of their class have no row, the longest first."""
        envs, candidates = np.nonzero(unclaimed)
        free_envs, free_rows = np.nonzero(state["seen"] == 0)
        kinds = len(self._rows)
        count = len(unclaimed) * kinds
        short = np.bincount(envs * kinds + self._class_of[candidates], minlength=count)
        short -= np.bincount(free_envs * kinds + self._row_class[free_rows], minlength=count)
        if short.max() <= 0:
            return
        envs, rows = np.nonzero(state["missed"] > 0)
        group = envs * kinds + self._row_class[rows]
        order = np.lexsort((-state["missed"][envs, rows], group))
        envs, rows, group = envs[order], rows[order], group[order]
        ended = np.arange(len(group)) - np.searchsorted(group, group) < short[group]
        for value in state.values():
            value[envs[ended], rows[ended]] = 0

    def _rename(self, state: Arrays, envs: np.ndarray, rows: np.ndarray) -> None:
        """Ends objects that coast where one of another class begins, which takes their velocity."""
        error = state["boxes"][envs, rows, None, :2] - state["boxes"][envs, :, :2]
        away = np.square(error * self._half_size).sum(-1)
        other = self._row_class != self._row_class[rows][:, None]
        away[~(other & (state["missed"][envs] > 0))] = np.inf
        old = away.argmin(1)
        each = np.arange(len(rows))
        same = away[each, old] <= self._gate / 16
        envs, rows, old, each = envs[same], rows[same], old[same], each[same]
        passed_on = state["velocity"][envs, old] + self._beta * error[each, old]
        state["velocity"][envs, rows] = passed_on
        for value in state.values():
            value[envs, old] = 0


class Track(FrameTransform):
    """A scene model whose objects keep their rows; see :class:`Tracker`.

    Args:
        model: Its classes' rows are those of the observation.
        num_envs: Envs whose objects are followed.
        frame_size: Height and width of the native frame, pixels.
        options: Of the tracker: ``gate``, ``coast``, ``alpha``, ``beta``.
        tail: Past places of each object that pictures show, 0 for none.

    Raises:
        ValueError: Another option.
    """

    def __init__(
        self,
        model: SceneModule,
        num_envs: int = 1,
        frame_size: tuple[int, int] = (210, 160),
        options: Mapping[str, Any] | None = None,
        tail: int = 0,
    ) -> None:
        options = dict(options or {})
        for name in options:
            check_name("option of tracking", name, OPTIONS)
        rows = model.classifier.rows
        offered = [count + SPARE_ROWS for count in rows]
        self.label_names = model.label_names
        self._perceive = Perceive(model.offering(SPARE_ROWS), num_envs)
        self._tracker = Tracker(num_envs, rows, offered, frame_size, **options)
        velocity = gym.spaces.Box(-np.inf, np.inf, (sum(rows), 2), np.float32)
        spaces = {**model.observation_space.spaces, "velocity": velocity}
        keys = ("boxes", "velocity", "present", "what", "label")
        self.single_observation_space = gym.spaces.Dict({key: spaces[key] for key in keys})
        self._past = np.zeros((num_envs, sum(rows), tail, 2), np.float32)

    @property
    def digests(self) -> dict[str, str]:
        """Those of the model."""
        return self._perceive.digests

    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> Arrays:
        """Returns the tracker's arrays, and ``tracks`` (n, R, L, 2), the past, NaN before it."""
        percepts = self._tracker(self._perceive(frames, envs, fresh), envs, fresh)
        length = self._past.shape[2]
        if length:
            self._past[envs] = np.roll(self._past[envs], -1, axis=2)
            self._past[envs, :, -1] = percepts["boxes"][..., :2]
            known = np.arange(length) >= length - percepts["age"][..., None]
            percepts["tracks"] = np.where(known[..., None], self._past[envs], np.float32(np.nan))
        return percepts

    def choose(self, percepts: Observation) -> Observation:
        """Returns what is in the observation space."""
        return chosen(percepts, self.single_observation_space)

    def draw(self, frame: np.ndarray, percepts: Observation) -> np.ndarray:
        """Returns the frame with boxes, names and tracks drawn on it."""
        assert isinstance(percepts, dict)
        return draw_percepts(frame, percepts, names=self.label_names)
