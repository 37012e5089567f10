"""Roles of Pong's objects in the console's memory, made by hand."""

import numpy as np
import torch

from objwrappers.envs.ram_ids import ram_scene
from objwrappers.perception.roles import Roles


def pong_roles():
    """The player is the player, the enemy harms, and a strip above is wall."""
    scene = ram_scene("Pong")
    roles = Roles(3, scene.label_names, scene.classifier.rows, player=0)
    roles.classifier.load_state_dict(scene.classifier.state_dict())
    roles.harm = torch.tensor([0.0, 0.5, 0.0])
    walls = np.zeros((210, 160), bool)
    walls[24:34] = True
    roles.set_scenery(np.zeros((210, 160, 3), np.uint8), walls, np.zeros((210, 160), bool))
    roles.record = {"trained_on": {"task": "Pong", "noise": "none"}}
    return roles


def saved_pong_roles(folder):
    """Writes them; returns the folder as options take it."""
    digest = ram_scene("Pong").digest
    roles = pong_roles()
    roles.save(folder, family="scenes", model="ram", digest=digest, **roles.record)
    return str(folder)
