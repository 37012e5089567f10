"""Context translation is scored on what it never saw."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from demonstrated import demonstrate, write_translation
from opengl import needs_opengl

from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.scoring import translation
from objwrappers.scoring.translation import score_translation

pytestmark = needs_opengl


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("translation")
    demonstrate(made / "demos", contexts=["default", "mismatch-body"])
    write_translation(made / "model")
    return made


class Knows:
    """Predicts the truth, of which it is told, ``late`` frames late; features are the pixels."""

    image_size = 16
    scale = torch.tensor(2.0)

    def __init__(self, truth, late=0):
        self.truth, self.late, self.asked = torch.from_numpy(truth), late, 0

    def encode(self, frames):
        return frames.float().flatten(-3)

    def translate(self, source, context):
        video = self.truth[self.asked]
        self.asked += 1
        assert torch.equal(video[0], context[0])
        late = torch.clamp(torch.arange(len(video)) - self.late, min=0)
        return SimpleNamespace(
            features=self.encode(video[late])[None], frames=video[late][None] / 255
        )

    def cost(self, features, reference):
        return (features - reference).square().sum(-1) / self.scale


def score(folder, monkeypatch, late):
    _, held_out = read_demonstrations(folder / "demos").split()
    monkeypatch.setattr(
        translation, "load_model", lambda *_, **__: Knows(held_out.frames[:, 1], late)
    )
    (row,) = score_translation("reacher-hard", demonstration=folder / "demos", pairs=())
    return row, held_out.frames[:, 1].astype(np.float32)


def test_who_predicts_the_truth_makes_no_error(folder, monkeypatch):
    row, truth = score(folder, monkeypatch, late=0)
    assert row["contexts"] == "recorded, default -> mismatch-body"
    assert row["translation"] == row["time_error"] == row["replayed"] == 0
    away = np.square(truth[:, 1:] - truth[:, :1]).sum((2, 3, 4))
    assert row["frozen"] == pytest.approx(away.mean() / 2, rel=1e-5)
    copied = np.square((truth - truth[:, :1]) / 255).sum((2, 3, 4)).mean()
    assert row["copy"] == pytest.approx(copied, rel=1e-5) and copied > 1


def test_who_is_two_frames_late_is_found_out(folder, monkeypatch):
    row, truth = score(folder, monkeypatch, late=2)
    # Of seven moments the first is right, the second one late, the rest two; all of them move.
    assert row["time_error"] == row["time_error_moving"] == pytest.approx((0 + 1 + 5 * 2) / 7)
    late = truth[:, [0, 0, 0, 1, 2, 3, 4]]
    wrong = np.square((truth - late) / 255).sum((2, 3, 4)).mean()
    assert row["translation"] == pytest.approx(wrong, rel=1e-4)


def test_pairs_are_drawn_anew_and_shown(folder):
    rows = score_translation(
        "reacher-hard",
        weights=folder / "model",
        demonstration=folder / "demos",
        pairs=[("default", "mismatch-body"), ("light", "full")],
        picture=folder / "strips.png",
    )
    # The first pair is what was recorded.
    assert rows[1] == {**rows[0], "contexts": "default -> mismatch-body"}
    assert rows[2]["contexts"] == "light -> full" and rows[2]["copy"] != rows[0]["copy"]
    assert (folder / "strips.png").read_bytes()[:4] == b"\x89PNG"


def test_by_default_there_are_five_mismatches(folder):
    rows = score_translation(
        "reacher-hard", weights=folder / "model", demonstration=folder / "demos"
    )
    assert [row["contexts"] for row in rows[1:]] == [
        f"default -> mismatch-{kind}" for kind in ("light", "body", "floor", "background", "all")
    ]


def test_states_of_another_simulation_are_refused(tmp_path, folder):
    from demonstrated import write_made_up

    write_made_up(tmp_path / "short")
    with pytest.raises(ValueError, match="is it of another task"):
        translation._env(read_demonstrations(tmp_path / "short"))


def test_frames_of_another_size_are_refused(folder, tmp_path):
    weights = write_translation(tmp_path / "large", 32)
    with pytest.raises(ValueError, match="32 pixels is scored on two views of that size, got 2"):
        score_translation("reacher-hard", weights=weights, demonstration=folder / "demos")
