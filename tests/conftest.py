"""Small networks run fastest on one thread, above all where other programs share the cores."""

import torch

torch.set_num_threads(1)
