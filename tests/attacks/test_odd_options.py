"""Every option of every id, given what nobody meant: it works, or it is one clear error."""

import re
import traceback
import warnings

import gymnasium as gym
import pytest

from objwrappers.registration import FAMILIES

ODD = (
    *(None, True, 0, -1, 2.5, float("nan"), float("inf"), 10**30),
    *("", "x", "\0", "../x", b"x", [], {}, [1], {"a": 1}, (1, 2), object(), int),
)
IDS = {
    **{f"Obj{kind}": f"Obj{kind}-Pong-v0" for kind in ("Frames", "Keypoints", "Scene", "RAM")},
    "ObjGaze": "ObjGaze-MsPacman-v0",
    "AtariHead": "AtariHead-MsPacman-v0",
    **{name: f"{name}-reacher-hard-v0" for name in ("Control", "IfO")},
}
QUICK = ("ObjFrames", "AtariHead", "Control")
"""Of those that load no model; the others take minutes."""

CLEAR = (ValueError, OSError, gym.error.Error)
ROLES = "Who is who in Pong is not known"
RECORDED = "There is no recorded play"


def what_is_unclear(make, name, value):
    """Of a call with a value; empty where there is nothing."""
    try:
        make(**{name: value}).close()
    except CLEAR as error:
        told = str(error)
        given = value if isinstance(value, dict) else [value]
        words = [re.escape(word) for word in (name, *given) if isinstance(word, str) and word]
        named = re.search(rf"(?<!\w)({'|'.join(words)})(?!\w)", told) or repr(value) in told
        return "" if named or told.startswith((ROLES, RECORDED)) else told
    except Exception:
        return traceback.format_exc(limit=-2)
    return ""


def test_every_family_is_here():
    assert IDS.keys() == FAMILIES.keys()


@pytest.mark.parametrize("vector", [False, True], ids=["single", "vector"])
@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in IDS]
)
def test_an_odd_value_of_an_option_is_an_error_that_names_it(family, vector, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    row = FAMILIES[family]

    def make(**options):
        if vector:
            return gym.make_vec(IDS[family], **{"num_envs": 1, **options})
        return gym.make(IDS[family], **options)

    kind = ("num_envs", *row.vector_options) if vector else row.single_options
    unclear = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in dict.fromkeys((*row.options, *kind)):
            for value in ODD:
                if what := what_is_unclear(make, name, value):
                    unclear.append(f"{name}={value!r}: {what}")
    assert not unclear, "\n".join(unclear)
