"""Plans of boards: what they say, what is wrong with them, and those that are shipped."""

import copy

import pytest
import yaml
from board_plans import CONTENT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers.boards.cells import cells_of
from objwrappers.boards.plan import KEYS, OBSERVATION_KEYS, Plan, read_plan
from objwrappers.files import hyperparams_folder


def test_a_plan_is_what_the_file_says(make_plan):
    plan = make_plan(games=["pong", "ms_pacman"], noises=None, reference=None)
    assert (plan.name, plan.title, plan.reference) == ("two", "Two columns", "pixels")
    assert (plan.games, plan.noises, plan.algos) == (("Pong", "MsPacman"), ("none",), ("ppo",))
    assert (plan.random, plan.device, plan.episodes) == (True, "cpu", 4)
    pixels, objects = plan.observations
    assert pixels.label == "pixels" and pixels.games == plan.games
    assert (objects.label, objects.games) == ("objects | all", ("Pong",))
    assert objects.env_id("Pong") == "ObjScene-Pong-v0"


def changed(**changes):
    """The observations, with keys of pixels replaced."""
    observations = copy.deepcopy(CONTENT["observations"])
    observations["pixels"] |= changes
    return {"observations": observations}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamse": 1}, "Unknown key of a board 'gamse'. Did you mean 'games'?"),
        ({"games": None}, "lacks the key games"),
        ({"games": []}, "games takes a list, with something in it, got []"),
        ({"games": ["Pogn"]}, "Unknown game 'Pogn'. Did you mean 'Pong'"),
        ({"games": ["Pong", "pong"]}, "games has something twice: Pong, Pong"),
        ({"budgets": [1.5]}, "budgets: expected a whole number from 1 to 10000000000, got 1.5"),
        ({"seeds": [True]}, "seeds: expected a whole number from 0 to 2147483647, got True"),
        ({"seeds": 3}, "seeds takes a list"),
        ({"noises": ["bars"]}, "Unknown noise 'bars'"),
        ({"algos": ["pop"]}, "Unknown algorithm in algos 'pop'. Did you mean 'ppo'?"),
        ({"random": 1}, "random is true or false, got 1"),
        ({"reference": "pixel"}, "Unknown reference 'pixel'. Did you mean 'pixels'?"),
        ({"observations": {}}, "observations are names and what they are, got {}"),
        ({"observations": {"a b": {}}}, "the observation 'a b': a name is letters"),
        ({"observations": {"random": {}}}, "an observation cannot be called random"),
        ({"observations": {"a": 3}}, "observations.a takes env, env_kwargs"),
        ({"observations": {"a": {}}}, "observations.a lacks env, as in"),
        (changed(envs="x"), "Unknown key of observations.pixels 'envs'. Did you mean 'env'?"),
        (changed(env="ObjFrames-Pong-v0"), "is an id with {game}, got 'ObjFrames-Pong-v0'"),
        (changed(env="ObjFrame-{game}-v0"), "there is no ObjFrame-Pong-v0; take ObjFrames-{game}"),
        (changed(env="ObjGaze-{game}-v0"), "ObjGaze has no bars; add noises: [none]"),
        (changed(env_kwargs={"stack": 4}), "Unknown option in observations.pixels.env_kwargs"),
        (changed(env_kwargs={"noise": "both"}), "noise cannot be given there: noises says it"),
        (changed(hyperparams={"n_timesteps": 5}), "n_timesteps cannot be given there: budgets"),
        (changed(hyperparams={"gamma": "1"}), "gamma takes what a command line can say, got '1'"),
        (changed(hyperparams={"a:b": 1}), "'a:b' is no name of an option"),
        (changed(hyperparams=[1]), "observations.pixels.hyperparams are names and values"),
        (changed(games=["Boxing"]), "Boxing is not among the plan's games"),
        (changed(label="two\nlines"), "observations.pixels.label is a line of text"),
        ({"seeds": list(range(3000))}, "these are 30000 cells, expected at most 10000"),
    ],
)
def test_what_is_wrong_is_named(write_plan, changes, message):
    with pytest.raises(ValueError, match=r"two\.yml: ") as error:
        read_plan(write_plan(**changes))
    assert message in str(error.value)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["Pong", "ppo", "none", "ObjFrames-{game}-v0", "pixels", "cpu"]),
    st.dates(),
    st.binary(max_size=4),
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), inner, max_size=3),
    ),
    max_leaves=8,
)
NO_FIXTURE_HURTS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@NO_FIXTURE_HURTS
@given(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=4), st.booleans(), st.data())
def test_junk_is_a_plan_or_one_error(tmp_path, changes, within, data):
    content = copy.deepcopy(CONTENT)
    if within:
        key = data.draw(st.sampled_from(OBSERVATION_KEYS))
        content["observations"]["pixels"][key] = data.draw(JUNK)
    else:
        content |= changes
    file = tmp_path / "junk.yml"
    file.write_text(yaml.safe_dump(content))
    try:
        plan = read_plan(file)
    except ValueError as error:
        assert str(error).startswith(f"{file}: ")
        return
    assert isinstance(plan, Plan)
    # What was let through can be named, digested and called.
    for cell in cells_of(plan)[:4]:
        assert len(cell.facts) == 16 and "/" not in cell.name
        assert all(
            isinstance(word, str) for words in cell.commands("f", "t", "e") for word in words
        )


@NO_FIXTURE_HURTS
@given(st.binary(max_size=60))
def test_bytes_that_are_no_plan_are_one_error(tmp_path, content):
    file = tmp_path / "junk.yml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"junk\.yml: "):
        read_plan(file)


SHIPPED = sorted((hyperparams_folder() / "boards").glob("*.yml"))


def test_a_leaderboard_is_shipped():
    assert "leaderboard" in [path.stem for path in SHIPPED]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.stem)
def test_shipped_columns_are_trained_and_scored_alike(file):
    """Sticky actions, whole games, rewards as they are, and as many envs, steps and epochs."""
    cells = [cell for cell in cells_of(read_plan(file)) if cell.budget]
    wanted = {
        "repeat_action_probability": 0.25,
        "noop_max": 0,
        "max_num_frames_per_episode": 108_000,
        **dict.fromkeys(("life_loss_info", "reward_clipping", "fire_each_life"), False),
    }
    trained = set()
    for cell in cells:
        settings = cell.settings
        assert {**wanted, **settings["env_kwargs"]}.items() >= wanted.items(), cell.name
        hyperparams = settings["hyperparams"]
        assert hyperparams["normalize"] == {"norm_obs": False, "norm_reward": True}
        keys = ("n_envs", "n_steps", "n_epochs", "batch_size", "gamma", "ent_coef", "vf_coef")
        trained.add(tuple(hyperparams[key] for key in keys))
        assert hyperparams.get("clip_range_vf", 1e6) == 1e6
    assert trained == {(16, 128, 4, 256, 0.99, 0.01, 0.5)}
