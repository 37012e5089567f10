"""FIRE at the beginning of each life, what is counted of whole games, and endless Breakout."""

import ale_py
import gymnasium as gym
import numpy as np
import pytest

import objwrappers  # noqa: F401
from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.envs.breakout import InfiniteBreakout
from objwrappers.sb3.vec_env import GymVecEnv

EXACT = {"repeat_action_probability": 0.0}
NOOP, FIRE = 0, 1


def test_fire_begins_each_life_of_one_env_as_of_a_vector_env():
    plain = make_atari("Breakout", **EXACT)
    single = make_atari("Breakout", **EXACT, fire_each_life=True)
    vector = make_atari_vec("Breakout", 2, **EXACT, fire_each_life=True)
    plain.reset(seed=0)
    single.reset(seed=0)
    vector.reset(seed=0)
    lives, fired = 5, []
    for step in range(250):
        # Without another FIRE nothing moves in Breakout.
        fires = step == 0 or fired == [*fired[:-1], step]
        frame, _, done, _, info = plain.step(FIRE if fires else NOOP)
        one = single.step(NOOP)
        both = vector.step(np.full(2, NOOP))
        np.testing.assert_array_equal(one[0], frame)
        np.testing.assert_array_equal(both[0], np.stack([frame] * 2))
        if done:
            break
        if info["lives"] < lives:
            lives = info["lives"]
            fired.append(step + 1)
    assert done and len(fired) == 4
    # A game that ended begins with FIRE, too, after ALE's own reset and after a partial one.
    vector.reset(options={"reset_mask": np.array([True, False])})
    first = make_atari_vec("Breakout", 1, **EXACT)
    first.reset(seed=0)
    expected, *_ = first.step(np.array([FIRE]))
    np.testing.assert_array_equal(vector.step(np.full(2, NOOP))[0][0], expected[0])
    np.testing.assert_array_equal(vector.step(np.full(2, NOOP))[0][1], expected[0])


def test_fire_comes_once_after_a_life_however_the_env_is_stepped():
    options = dict(**EXACT, fire_each_life=True, life_loss_info=True)
    partial, plain = (make_atari_vec("Breakout", 1, **options) for _ in range(2))
    alike = make_atari_vec("Breakout", 1, **EXACT)
    for env in (partial, plain, alike):
        env.reset(seed=0)
    begins, ended = True, 0
    for step in range(120):
        action = np.array([2 + step % 2])
        expected = alike.step(np.array([FIRE]) if begins else action)
        reset = partial.step(action)
        np.testing.assert_array_equal(reset[0], expected[0])
        np.testing.assert_array_equal(plain.step(action)[0], expected[0])
        begins = bool(reset[2][0])
        if begins:
            ended += 1
            partial.reset(options={"reset_mask": reset[2]})
    assert ended > 2


def test_a_life_may_begin_with_a_new_stack():
    options = dict(**EXACT, padding_type="zero", fire_each_life=True, stack_each_life=True)
    single = gym.make("ObjFrames-Breakout-v0", **options)
    watched = gym.make_vec("ObjFrames-Breakout-v0", num_envs=2, **options)
    trained = gym.make_vec("ObjFrames-Breakout-v0", num_envs=2, life_loss_info=True, **options)
    trained = GymVecEnv(trained)
    trained.seed(0)
    trained.reset()
    single.reset(seed=0)
    watched.reset(seed=0)
    lost = 0
    for step in range(110):
        action = 2 + step % 2
        one, _, _, _, info = single.step(action)
        # Both in a training, where a life is an episode, and in a game that is watched.
        np.testing.assert_array_equal(watched.step(np.full(2, action))[0][0], one)
        np.testing.assert_array_equal(trained.step(np.full(2, action))[0][0], one)
        if info["lives"] < 5 - lost:
            lost += 1
            assert (one[:3] == 0).all() and (one[3] > 0).any()
    assert lost > 2


def test_a_game_without_fire_is_played_as_it_is():
    env = make_atari("MsPacman", **EXACT, fire_each_life=True)
    assert "FIRE" not in env.unwrapped.get_action_meanings()
    frame = env.reset(seed=0)[0]
    np.testing.assert_array_equal(make_atari("MsPacman", **EXACT).reset(seed=0)[0], frame)
    assert make_atari_vec("MsPacman", 1, fire_each_life=True).reset(seed=0)[0].shape[0] == 1


def test_clipped_rewards_and_lost_lives_leave_the_games_own_in_info():
    options = dict(life_loss_info=True, reward_clipping=True, **EXACT)
    env = make_atari_vec("MsPacman", 1, **options)
    plain = make_atari_vec("MsPacman", 1, **EXACT)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    plain.reset(seed=0)
    lost, over = 0, False
    while not over:
        action = rng.integers(9, size=1)
        _, reward, terminated, _, info = env.step(action)
        _, raw, ended, _, _ = plain.step(action)
        over = bool(info["game_over"][0])
        assert info["raw_reward"] == raw and reward == np.sign(raw)
        assert over == ended[0]
        if terminated[0] and not over:
            lost += 1
            env.reset(options={"reset_mask": terminated})
    assert lost == 2


@pytest.mark.parametrize("game", ["MsPacman", "Breakout"])
def test_lives_and_clipped_rewards_of_one_env_are_those_of_the_vector_env(game):
    options = dict(life_loss_info=True, reward_clipping=True, fire_each_life=True, **EXACT)
    single = make_atari(game, **options)
    vector = make_atari_vec(game, 1, **options)
    np.testing.assert_array_equal(single.reset(seed=0)[0], vector.reset(seed=0)[0][0])
    rng = np.random.default_rng(0)
    lost = 0
    while True:
        action = rng.integers(3)
        frame, reward, *ends, info = single.step(action)
        frames, rewards, terminated, truncated, infos = vector.step(np.array([action]))
        np.testing.assert_array_equal(frame, frames[0])
        assert (reward, *ends) == (rewards[0], terminated[0], truncated[0])
        for key in ("raw_reward", "game_over", "lives"):
            assert info[key] == infos[key][0]
        if ends[0]:
            if info["game_over"]:
                break
            lost += 1
            again = vector.reset(options={"reset_mask": terminated})[0]
            np.testing.assert_array_equal(single.reset()[0], again[0])
    assert lost == {"MsPacman": 2, "Breakout": 4}[game]
    single.reset()  # another game: nothing is left of the last one
    assert single.step(NOOP)[-1]["lives"] == lost + 1


def test_the_first_stack_may_be_padded_with_zeros():
    first = gym.make("ObjFrames-Pong-v0", **EXACT).reset(seed=0)[0]
    env = gym.make("ObjFrames-Pong-v0", **EXACT, padding_type="zero")
    stack = env.reset(seed=0)[0]
    np.testing.assert_array_equal(stack[-1], first[-1])
    assert (stack[:3] == 0).all()
    assert (env.step(0)[0][:2] == 0).all()
    with pytest.raises(ValueError, match="padding_type must be one of reset, zero, got 'black'"):
        gym.make("ObjFrames-Pong-v0", padding_type="black")


def follow(memory: np.ndarray) -> int:
    """Moves the paddle under the ball: RIGHT, LEFT or NOOP."""
    ball, paddle = int(memory[99]), int(memory[72])
    return 2 if ball > paddle + 8 else 3 if ball < paddle + 4 else NOOP


def play_across_two_walls(env: gym.Env) -> tuple[list[float], list[int]]:
    """Plays from a score of 857 on; returns the rewards and the bits of the wall at each."""
    ale: ale_py.ALEInterface = env.unwrapped.ale
    env.reset(seed=0)
    rewards: list[float] = []
    bits: list[int] = []
    for step in range(1300):
        if step == 100:
            ale.setRAM(76, 0x08)
            ale.setRAM(77, 0x57)
        action = FIRE if step % 50 == 0 else follow(ale.getRAM())
        reward = env.step(action)[1]
        if reward:
            rewards.append(reward)
            bits.append(sum(int(byte).bit_count() for byte in ale.getRAM()[:36]))
    return rewards, bits


def raw_breakout() -> gym.Env:
    return ale_py.AtariEnv("breakout", frameskip=1, repeat_action_probability=0.0)


def test_endless_breakout_builds_the_wall_again_at_864():
    plain, plain_bits = play_across_two_walls(raw_breakout())
    endless, bits = play_across_two_walls(InfiniteBreakout(raw_breakout()))
    # The score that the test writes itself, then a point for each brick: 857 + 7 is 864.
    assert plain[:9] == endless[:9] == [857.0, *[1.0] * 8]
    assert plain_bits[:8] == bits[:8] == [240, 238, 236, 234, 232, 230, 228, 226]
    # 240 bits are a whole wall, and a brick is two of them.
    assert (plain_bits[8], bits[8]) == (224, 238)


def test_endless_breakout_is_an_option_of_its_ids():
    env = gym.make("ObjFrames-Breakout-v0", infinite=True)
    inside, found = env, False
    while isinstance(inside, gym.Wrapper):
        found = found or isinstance(inside, InfiniteBreakout)
        inside = inside.env
    assert found
    single = gym.make("ObjFrames-Breakout-v0", infinite=True, fire_each_life=True, **EXACT)
    vector = gym.make_vec(
        "ObjFrames-Breakout-v0", num_envs=2, infinite=True, fire_each_life=True, **EXACT
    )
    np.testing.assert_array_equal(vector.reset(seed=0)[0][0], single.reset(seed=0)[0])
    for action in (0, 2, 2, 3):
        both = vector.step(np.full(2, action))
        np.testing.assert_array_equal(both[0][0], single.step(action)[0])
    options = dict(infinite=True, difficulty=1, num_threads=1)
    assert gym.make_vec("ObjFrames-Breakout-v0", num_envs=1, **options).num_envs == 1
    with pytest.raises(ValueError, match="infinite=True is an option of Breakout, not of Pong"):
        gym.make_vec("ObjFrames-Pong-v0", num_envs=1, infinite=True)
    with pytest.raises(ValueError, match="does not go together with life_loss_info: pass False"):
        gym.make_vec("ObjFrames-Breakout-v0", num_envs=1, infinite=True, life_loss_info=True)
