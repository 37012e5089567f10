"""No-ops begin an episode: as many in one env as in the vector env of the same seed."""

import numpy as np
import pytest

from objwrappers.envs.atari import make_atari, make_atari_vec

EXACT = {"repeat_action_probability": 0.0}


@pytest.mark.parametrize("noop_max", [1, 2, 30])
def test_one_env_and_the_vector_env_take_the_same_no_ops(noop_max):
    options = dict(noop_max=noop_max, **EXACT)
    single, vector = make_atari("MsPacman", **options), make_atari_vec("MsPacman", 2, **options)
    counts = []
    for seed in (3, None, None, 2**31 + 5, None, 11):
        frame, info = single.reset(seed=None if seed is None else seed + 1)
        frames, infos = vector.reset(seed=seed)
        counts.append(info["episode_frame_number"])
        assert infos["episode_frame_number"][1] == counts[-1]
        np.testing.assert_array_equal(frame, frames[1])
    # Fewer than noop_max, by chance.
    assert max(counts) < noop_max and (len(set(counts)) > 1) == (noop_max > 1)


def test_no_ops_go_with_autoreset_and_partial_resets():
    options = dict(noop_max=30, max_num_frames_per_episode=60, **EXACT)
    single, vector = make_atari("Pong", **options), make_atari_vec("Pong", 2, **options)
    frame, _ = single.reset(seed=8)
    vector.reset(seed=7)
    done, ends = False, 0
    for step in range(60):
        if step == 20:
            # The other env begins anew; this one does not notice.
            vector.reset(options={"reset_mask": np.array([True, False])})
        frames, *_ = vector.step([2, 2])
        if done:
            frame, _ = single.reset()
            done, ends = False, ends + 1
        else:
            frame, _, terminated, truncated, _ = single.step(2)
            done = terminated or truncated
        np.testing.assert_array_equal(frame, frames[1])
    assert ends >= 2


def test_a_seed_repeats_the_no_ops_under_sticky_actions_too():
    env = make_atari("Pong", noop_max=30)
    first = [env.reset(seed=seed)[1]["episode_frame_number"] for seed in range(6)]
    again = [env.reset(seed=seed)[1]["episode_frame_number"] for seed in range(6)]
    assert first == again and len(set(first)) > 2
