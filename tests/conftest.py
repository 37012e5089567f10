"""Small networks run fastest on one thread, above all where other programs share the cores."""

import pytest
import torch

torch.set_num_threads(1)
pytest.register_assert_rewrite("conformance")


@pytest.fixture(autouse=True)
def no_weights_of_the_user(monkeypatch, tmp_path_factory):
    """Tests find the bundled weights, whatever the user has trained."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
