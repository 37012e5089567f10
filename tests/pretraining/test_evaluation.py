"""Figures while a model trains: who finds the objects is told from who does not."""

import math

import numpy as np
import torch
from torch import nn

from objwrappers.perception.scenes.module import Detections
from objwrappers.pretraining.evaluation import evaluator_of

PONG = ((92, 186, 92), (213, 130, 74), (236, 236, 236))


class ByColour(nn.Module):
    """Boxes around Pong's colours between the walls."""

    def __init__(self, colours=PONG, shift=0):
        super().__init__()
        self.register_buffer("colours", torch.tensor(colours).reshape(-1, 3))
        self.shift = shift

    def detections(self, frames):
        boxes = torch.zeros(len(frames), 3, 4)
        present = torch.zeros(len(frames), 3)
        for i, frame in enumerate(frames):
            for k, colour in enumerate(self.colours):
                y, x = (frame[34:194].int() == colour).all(-1).nonzero().T
                if len(x):
                    width, height = x.max() + 1 - x.min(), y.max() + 1 - y.min()
                    middle = x.min() + width / 2 + self.shift, 34 + y.min() + height / 2
                    where = (2 * middle[0] / 160 - 1, 2 * middle[1] / 210 - 1)
                    boxes[i, k] = torch.tensor([*where, width / 160, height / 210])
                    present[i, k] = 0.9
        return Detections(boxes, present, torch.zeros(len(frames), 3, 1))


def test_who_sees_the_objects_has_them_all():
    evaluate = evaluator_of("scenes", ["Pong", "Carnival"])
    figures = evaluate(ByColour())
    assert figures == evaluate(ByColour()), "the same frames each time"
    assert figures["relevant_f1"] > 0.95 and figures["relevant_precision"] > 0.95
    # A moving object is seen at both places of two raw frames, and truth is the last.
    assert figures["relevant_centre_error"] < 1.5
    shifted = evaluate(ByColour(shift=4))
    assert shifted["relevant_centre_error"] > figures["relevant_centre_error"] + 2
    balls = evaluate(ByColour(PONG[2:]))
    assert balls["relevant_precision"] > 0.9 and 0.1 < balls["relevant_recall"] < 0.5
    nothing = evaluate(ByColour(()))
    assert nothing["relevant_f1"] == nothing["relevant_recall"] == 0
    assert math.isnan(nothing["relevant_precision"])
    noisy = evaluator_of("scenes", ["Pong"], "both", 3)(ByColour())
    assert noisy["relevant_recall"] < figures["relevant_recall"] - 0.02
    assert np.isfinite(noisy["relevant_f1"])


def test_where_nothing_is_known_nothing_is_measured():
    assert evaluator_of("scenes", ["Carnival", "my rooms"]) is None
    assert evaluator_of("keypoints", ["Pong"]) is None
