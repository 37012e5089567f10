import pytest
from colour_scene import named_colours

from objwrappers.perception.registry import MODELS, ModelEntry


@pytest.fixture
def colours(monkeypatch, tmp_path):
    """A folder of weights of a scene model that knows Pong's colours."""
    entry = ModelEntry("colour_scene:ColourScene", "no:recipe")
    monkeypatch.setitem(MODELS["scenes"], "colours", entry)
    model = named_colours()
    model.record = {"trained_on": {"task": "Pong", "noise": "none", "channels": "RGB"}}
    model.save_pretrained(tmp_path / "colours-Pong")
    return tmp_path / "colours-Pong"
