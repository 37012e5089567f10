"""Files of alternatives: the grid, its names and commands, and what is wrong with a file."""

import argparse
import importlib.util

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers.command_line import KeyValues
from objwrappers.files import hyperparams_folder
from objwrappers.perception.registry import MODELS
from objwrappers.pretraining.settings import read_settings
from objwrappers.sweeps.commands import fill, option_words, set_option
from objwrappers.sweeps.plan import MAX_RUNS, find_plan, read_plan


def test_a_set_is_the_product_of_its_alternatives(write_sweep):
    runs = read_plan(write_sweep(), "f")
    assert [run.name for run in runs] == [
        "tiny_seed0_w0.0",
        "tiny_seed0_w10.0",
        "tiny_seed2_w0.0",
        "tiny_seed2_w10.0",
    ]
    assert [run.group for run in runs] == ["tiny_w0.0", "tiny_w10.0"] * 2
    folder = "f/tiny_seed2_w10.0"
    words = ["program.py", "--out", f"{folder}/out.json", "--seed", "2", "--weight", "10.0"]
    assert runs[3].commands == [words]
    assert runs[3].figures == {f"{folder}/out.json": {"loss": "validation.loss"}}


def test_sets_that_overlap_share_runs(write_sweep):
    file = write_sweep(
        sets={"a": {"seed": [0, 1]}, "b": {"seed": [1, 2]}, "c": {"weight": [1]}}, seed="weight"
    )
    assert [run.name for run in read_plan(file, "f")] == [
        *("tiny_seed0", "tiny_seed1", "tiny_seed2", "tiny_weight1")
    ]
    assert [run.name for run in read_plan(file, "f", ["c"])] == ["tiny_weight1"]
    assert read_plan(file, "f", ["c"])[0].group == "tiny"


def test_words_of_options():
    options = {"game": ["Pong", "Boxing"], "n": 5, "-params": {"a": 1.5, "b": [1, 2]}}
    options |= {"no-progress": True, "quiet": False, "device": None}
    assert option_words(options) == [
        *("--game", "Pong", "Boxing", "-n", "5", "-params", "a:1.5", "b:[1, 2]", "--no-progress")
    ]
    assert set_option({"hyperparams": {"a": 1}}, "hyperparams.b.c", 2) == {
        "hyperparams": {"a": 1, "b.c": 2}
    }
    with pytest.raises(ValueError, match=r"seed\.x: the option seed is 3"):
        set_option({"seed": 3}, "seed.x", 1)


def test_placeholders_are_the_options_and_the_folder(write_sweep):
    file = write_sweep(
        options={"out": "{folder}/{weight}.json", "game": "Pong"},
        then=["program.py '--out' '{out} x' --do {game} {run}"],
        figures={"{out}": {"f1": "table.{game}.0"}},
    )
    run = read_plan(file, "f", options={"game": "Boxing"})[0]
    out = "f/tiny_seed0_w0.0/0.0.json"
    assert run.commands[0][:5] == ["program.py", "--out", out, "--game", "Boxing"]
    assert run.commands[1] == ["program.py", "--out", f"{out} x", "--do", "Boxing", run.name]
    assert run.figures == {out: {"f1": "table.Boxing.0"}}
    assert fill("{'a': 1} {} {a}", {"a": "{b}"}) == "{'a': 1} {} {b}"
    with pytest.raises(ValueError, match=r"Unknown placeholder '\{foldr\}'. Did you mean '\{fold"):
        fill("{foldr}/x", {"folder": "f"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"progam": "x"}, "Unknown key of a sweep 'progam'. Did you mean 'program'?"),
        ({"program": None}, "lacks the key program"),
        ({"program": 3}, "program is a word, got 3"),
        ({"sets": [1]}, "sets are names and alternatives"),
        ({"sets": {"a": [1]}}, "the set a is options and lists, got [1]"),
        ({"sets": {"a": {"seed": 3}}}, "seed takes a list of alternatives, as in [0, 1], got 3"),
        ({"sets": {"a": {"seed": []}}}, "seed takes a list of alternatives"),
        ({"sets": {"a": {"seed": [1, 1]}}}, "seed has an alternative twice"),
        ({"sets": {"a": {"seed": [{"a": {"b": 1}}]}}}, "seed takes a word, a number"),
        ({"sets": {"a": {"seed": list(range(MAX_RUNS + 1))}}}, "these are 1001 runs"),
        ({"short": {"wieght": "w"}}, "Unknown option in short 'wieght'. Did you mean 'weight'?"),
        ({"short": ["w"]}, "short takes names and words"),
        ({"options": {"out": "x.json"}}, "the runs would write over each other"),
        ({"options": ["x"]}, "options are names and values"),
        ({"options": {"a b": "{run}"}}, "'a b' is no name of an option"),
        ({"options": {"out": "{foldr}/{run}"}}, "Unknown placeholder '{foldr}'"),
        ({"then": "zoo/score.py"}, "then is a list of commands"),
        ({"then": [3]}, "then is a list of commands, as in a shell, got 3"),
        ({"figures": ["x"]}, "figures are files and what to read there"),
        ({"figures": {"a": ["x"]}}, "a takes names and words"),
        ({"figures": {"a": {"x": "y"}, "b": {"x": "z"}}}, "a name is there twice: x, x"),
        ({"name": "a/b"}, "name is letters"),
        ({"name": "n" * 200}, "is too long"),
        (
            {"sets": {"a": {"weight": ["a b", "a-b"]}}},
            "two different runs are called tiny_weighta-b",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(write_sweep, changes, message):
    with pytest.raises(ValueError) as error:
        read_plan(write_sweep(**changes), "f")
    assert message in str(error.value)
    assert str(error.value).startswith(str(write_sweep()))


def test_names_that_there_are_not(write_sweep):
    with pytest.raises(FileNotFoundError, match=r"no program zoo/pretain\.py"):
        read_plan(write_sweep(program="zoo/pretain.py"), "f")
    with pytest.raises(FileNotFoundError, match=r"no program scor\.py"):
        read_plan(write_sweep(then=["scor.py"]), "f")
    with pytest.raises(ValueError, match=r"Unknown set 'standrd'\. Did you mean 'standard'\?"):
        read_plan(write_sweep(), "f", ["standrd"])
    with pytest.raises(ValueError, match="seed cannot be given: the sets vary it"):
        read_plan(write_sweep(), "f", options={"seed": 1})
    with pytest.raises(FileNotFoundError, match=r"no file tinny\.yml"):
        find_plan("tinny.yml")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text() | st.binary() | st.dictionaries(st.text(), st.integers()).map(str))
def test_any_file_is_read_or_refused(write_sweep, content):
    file = write_sweep()
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r"tiny\.yml"):
        read_plan(file, "f")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["program", "options", "then", "sets", "short", "seed", "figures", "name"]),
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ),
)
def test_any_value_of_a_key_is_read_or_refused(write_sweep, key, value):
    try:
        runs = read_plan(write_sweep(**{key: value}), "f")
    except (FileNotFoundError, ValueError):
        return
    assert len({run.name for run in runs}) == len(runs) >= 1


SHIPPED = sorted((hyperparams_folder() / "sweeps").glob("*.yml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_sweeps_are_read(file):
    assert find_plan(file.stem) == file
    runs = read_plan(file, "f")
    for name in yaml.safe_load(file.read_text())["sets"]:
        assert {run.name for run in read_plan(file, "f", [name])} <= {run.name for run in runs}


def hyperparams_of(words):
    """The options of pretrain.py that settings are read from, as the program parses them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", default="keypoints")
    parser.add_argument("--hyperparams", nargs="+", action=KeyValues, default={})
    for name in ("--model", "--game", "--entry"):
        parser.add_argument(name)
    return parser.parse_known_args(words)[0]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_sweeps_give_hyperparameters_that_there_are(file):
    for run in read_plan(file, "f"):
        program, *words = run.commands[0]
        options = hyperparams_of(words)
        if program.endswith("pretrain.py"):
            module = MODELS[options.family][options.model].model.partition(":")[0]
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"there is no {module}")
            entry = {"entry": options.entry} if options.entry else {}
            settings = read_settings(
                options.model, options.game, options.hyperparams, options.family, **entry
            )
            assert options.hyperparams.items() <= {**settings, **settings["model"]}.items()
