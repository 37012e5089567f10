"""Machines without what MuJoCo needs get one clear error, and the process goes on."""

import importlib.metadata
import os
import subprocess
import sys

import pytest
from opengl import needs_opengl

from objwrappers.envs import control_gl
from objwrappers.envs.control_gl import prepare_mujoco

PACKAGES = r"apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0"


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.delenv("MUJOCO_GL")
    control_gl._first_that_draws.cache_clear()
    yield monkeypatch
    control_gl._first_that_draws.cache_clear()


def test_egl_is_preferred_to_osmesa_and_to_a_window(unset):
    unset.setattr(control_gl, "_complaint", lambda backend: None)
    assert prepare_mujoco(pictures=True) == os.environ["MUJOCO_GL"] == "egl"


def test_what_does_not_draw_is_passed_over(unset):
    unset.setattr(control_gl, "_complaint", lambda name: None if name == "osmesa" else "no")
    assert prepare_mujoco(pictures=True) == "osmesa"


def test_without_opengl_there_is_one_error_and_no_pictures_need_none(unset):
    unset.setattr(control_gl, "_LIBRARIES", {"egl": ("libNone.so.1",), "osmesa": ("libNo.so.8",)})
    with pytest.raises(RuntimeError, match=f"MUJOCO_GL=egl: there is no libNone.so.1.*{PACKAGES}"):
        prepare_mujoco(pictures=True)
    assert "MUJOCO_GL" not in os.environ
    assert prepare_mujoco(pictures=False) == "disable"
    with pytest.raises(RuntimeError, match=f"MUJOCO_GL=disable draws no pictures.*{PACKAGES}"):
        prepare_mujoco(pictures=True)


def test_a_library_that_was_chosen_and_is_missing_is_named(unset):
    unset.setenv("MUJOCO_GL", "osmesa")
    unset.setitem(control_gl._LIBRARIES, "osmesa", ("libNone.so.8",))
    with pytest.raises(RuntimeError, match=r"no libNone\.so\.8.*libosmesa6 \(MUJOCO_GL=osmesa\)"):
        prepare_mujoco(pictures=True)


@pytest.mark.parametrize("pictures", [True, False])
def test_an_unknown_value_is_refused(unset, pictures):
    unset.setenv("MUJOCO_GL", "EGLL")
    with pytest.raises(RuntimeError, match=r"MUJOCO_GL='EGLL' is not known to mujoco\. Unset"):
        prepare_mujoco(pictures)


@needs_opengl
def test_a_backend_that_kills_its_process_kills_no_other(unset):
    unset.setattr(control_gl, "_TRY", "import os; os.abort()")
    with pytest.raises(RuntimeError, match=f"MUJOCO_GL=egl: it ended with -6.*{PACKAGES}"):
        prepare_mujoco(pictures=True)


@pytest.mark.parametrize("version", ["4.0.0", "3.10.1", "2.3"])
def test_a_mujoco_that_does_not_fit_names_the_pin(monkeypatch, version):
    monkeypatch.setattr(importlib.metadata, "version", lambda package: version)
    with pytest.raises(RuntimeError, match=rf"mujoco {version} does not fit.*\"mujoco>=3\.17,<4\""):
        prepare_mujoco(pictures=False)


def test_a_missing_package_names_the_extra(monkeypatch):
    def version(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "objwrappers\[control'):
        prepare_mujoco(pictures=False)


CODE = """
import sys, gymnasium as gym, objwrappers
gym.spec("Control-reacher-hard-v0")
print(sorted({"mujoco", "dm_control", "OpenGL"} & set(sys.modules)))
try:
    gym.make("Control-reacher-hard-v0")
except RuntimeError as error:
    print(error)
env = gym.make("Control-reacher-hard-v0", observe="state")
print(env.reset(seed=0)[0].shape)
"""


@needs_opengl
@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"MUJOCO_GL": "glfw"}, "(MUJOCO_GL=glfw: "),  # and no display
        ({"MUJOCO_GL": "", "__EGL_VENDOR_LIBRARY_DIRS": "/none"}, "(MUJOCO_GL=egl: ImportError"),
        ({"MUJOCO_GL": "egl", "__EGL_VENDOR_LIBRARY_DIRS": "/none"}, "(MUJOCO_GL=egl: ImportError"),
    ],
)
def test_without_opengl_only_pictures_fail_and_nothing_is_imported_early(lacking, said):
    without = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        env={**without, **lacking},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    loaded, error, shape = result.stdout.splitlines()
    assert (loaded, shape) == ("[]", "(6,)")
    assert error.startswith(f"MuJoCo cannot draw pictures here {said}")
    assert "libegl1" in error and "Traceback" not in result.stderr
