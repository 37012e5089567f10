"""How models say that they want to be optimised."""

import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import objwrappers
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.optimization import Optimization
from objwrappers.perception.trainable import Trainable
from objwrappers.perception.transporter import Transporter

SETTINGS = {"learning_rate": "2e-3", "final_learning_rate": 4e-4}


class Line(Trainable):
    """Learns y = slope · x + offset, the offset ten times as fast."""

    name = "line"
    gradient_clip_norm = 0.5

    def __init__(self):
        super().__init__()
        self.slope, self.offset = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def loss(self, batch, progress):
        return {"loss": (self.slope * batch["x"] + self.offset - batch["y"]).square().mean()}

    def parameter_groups(self):
        return [{"params": [self.slope]}, {"params": [self.offset], "lr": 0.02}]


class Plateau(Line):
    """The same by Adadelta, whose rate halves where validation stays as it is."""

    gradient_clip_norm = None

    def configure_optimizers(self, settings, total_steps):
        optimizer = torch.optim.Adadelta(self.parameter_groups(), settings["learning_rate"])
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        return Optimization(optimizer, schedule, interval="validation")


def rates_of(model, settings, total):
    """The rates of each step, as a loop runs it."""
    chosen = model.configure_optimizers(settings, total)
    batch = {"x": torch.tensor([1.0, 2.0]), "y": torch.tensor([3.0, 5.0])}
    rates = []
    for step in range(total):
        rates.append([group["lr"] for group in chosen.optimizer.param_groups])
        chosen.optimizer.zero_grad()
        model.loss(batch, step / total)["loss"].backward()
        chosen.optimizer.step()
        if chosen.scheduler is not None and chosen.interval == "step":
            chosen.scheduler.step()
    return rates


@pytest.mark.parametrize("total", [1, 2, 5, 7, 10, 23, 100, 1001])
def test_the_last_fifth_has_the_final_rate_exactly(total):
    by_hand = [2e-3 if step / total < 0.8 else 4e-4 for step in range(total)]
    model = Line()
    model.parameter_groups = lambda: [{"params": [*model.parameters()]}]
    assert [rate for (rate,) in rates_of(model, SETTINGS, total)] == by_hand


def test_without_a_final_rate_the_first_one_stays():
    assert Line().configure_optimizers({"learning_rate": 1e-3}, 10).scheduler is None
    assert [rate for rate, _ in rates_of(Line(), {"learning_rate": 1e-3}, 10)] == [1e-3] * 10


def test_groups_keep_the_proportion_of_their_rates():
    rates = rates_of(Line(), SETTINGS, 10)
    assert rates[:8] == [[2e-3, 0.02]] * 8
    assert rates[8:] == [[4e-4, pytest.approx(4e-3)]] * 2


def test_an_interrupted_schedule_goes_on_where_it_was(tmp_path):
    model = Line()
    whole = rates_of(model, SETTINGS, 10)
    chosen = model.configure_optimizers(SETTINGS, 10)
    rates = []
    for step in range(10):
        if step == 6:
            state = {"o": chosen.optimizer.state_dict(), "s": chosen.scheduler.state_dict()}
            torch.save(state, tmp_path / "state.pt")
            state = torch.load(tmp_path / "state.pt", weights_only=True)
            chosen = model.configure_optimizers(SETTINGS, 10)
            chosen.optimizer.load_state_dict(state["o"])
            chosen.scheduler.load_state_dict(state["s"])
        rates.append([group["lr"] for group in chosen.optimizer.param_groups])
        chosen.optimizer.step()
        chosen.scheduler.step()
    assert rates == whole


def test_one_norm_clips_all_groups():
    model = Line()
    model.loss({"x": torch.tensor([3.0]), "y": torch.tensor([-2.0])}, 0.0)["loss"].backward()
    # d/d(slope) = 2·2·3, d/d(offset) = 2·2.
    assert (model.slope.grad.item(), model.offset.grad.item()) == (12, 4)
    norm = nn.utils.clip_grad_norm_(model.parameters(), model.gradient_clip_norm)
    assert norm.item() == pytest.approx(math.sqrt(160))
    assert model.slope.grad.item() == pytest.approx(0.5 * 12 / math.sqrt(160))


def test_a_plateau_halves_the_rate():
    model = Plateau()
    chosen = model.configure_optimizers({"learning_rate": 1.0}, 10)
    assert isinstance(chosen.optimizer, torch.optim.Adadelta)
    assert (chosen.interval, model.gradient_clip_norm) == ("validation", None)
    rates = []
    for figure in (3.0, 2.0, 2.0, 2.0, 1.0):
        chosen.scheduler.step(figure)
        rates.append(chosen.optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5]


def test_what_is_not_trained_is_not_optimised():
    model = MotionKeypoints(2, width=8)
    model.trunk.requires_grad_(False)
    (group,) = model.configure_optimizers(SETTINGS, 10).optimizer.param_groups
    kept = [*model.logits.parameters(), *model.presence.parameters()]
    assert [id(p) for p in group["params"]] == [id(p) for p in kept]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "learning_rate must be a positive number, got None"),
        ({"learning_rate": "fast"}, "learning_rate must be a positive number, got 'fast'"),
        ({"learning_rate": 0}, "learning_rate must be a positive number, got 0"),
        ({"learning_rate": 1, "final_learning_rate": float("nan")}, "final_.*, got nan"),
    ],
)
def test_other_rates_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Line().configure_optimizers(settings, 10)


def test_another_interval_is_refused():
    with pytest.raises(ValueError, match="interval must be one of step, validation, got 'epoch'"):
        Optimization(torch.optim.SGD(Line().parameters(), 1.0), interval="epoch")


def test_what_chooses_a_checkpoint_and_what_is_drawn():
    assert (Transporter.monitor, MotionKeypoints.monitor) == ("reconstruction", "loss")
    assert Line().percepts({}) is None
    model = MotionKeypoints(2, width=8).eval()
    frames = torch.randint(0, 256, (2, 84, 84, 3), dtype=torch.uint8)
    batch = {"frames": frames, "motion": torch.zeros(2, 42, 42)}
    percepts, expected = model.percepts(batch), model.perceive(model.images(frames))
    assert percepts.keys() == expected.keys()
    for key in expected:
        torch.testing.assert_close(percepts[key], expected[key], rtol=0, atol=0)


def test_a_model_without_arguments_is_stored_too(tmp_path):
    model = Line()
    model.slope.data.fill_(3.0)
    model.record = {"training": {"validation": {"loss": float("nan"), "terms": [1.0]}}}
    model.save_pretrained(tmp_path / "line")
    loaded = Line.from_pretrained(tmp_path / "line")
    assert loaded.slope.item() == 3.0 and not loaded.training
    assert loaded.arguments == {}
    # JSON has no NaN.
    assert loaded.record == {"training": {"validation": {"loss": None, "terms": [1.0]}}}


def test_the_package_names_both():
    assert objwrappers.Trainable is Trainable
    assert issubclass(objwrappers.PerceptionModule, Trainable)
    assert objwrappers.PerceptionModule is PerceptionModule


class Coarse(Line):
    """The same with half as many bits on disk, and a buffer that needs all of them."""

    stored_dtype = torch.float16

    def __init__(self):
        super().__init__()
        self.register_buffer("large", torch.tensor([1e6 + 1 / 16]))


def test_parameters_may_have_half_as_many_bits_on_disk(tmp_path):
    model = Coarse()
    torch.nn.init.constant_(model.slope, 1 / 3)
    model.save_pretrained(tmp_path / "coarse")
    stored = load_file(tmp_path / "coarse" / "model.safetensors")
    assert {name: value.dtype for name, value in stored.items()} == {
        "slope": torch.float16,
        "offset": torch.float16,
        "large": torch.float32,
    }
    again = Coarse.from_pretrained(tmp_path / "coarse")
    assert again.slope.dtype == torch.float32 and again.large == model.large
    assert abs(again.slope - 1 / 3) < 2**-13 and model.slope == torch.tensor(1 / 3)
    torch.nn.init.constant_(model.slope, 1e6)  # half precision ends at 65,504
    model.save_pretrained(tmp_path / "coarse")
    assert Coarse.from_pretrained(tmp_path / "coarse").slope == 1e6
