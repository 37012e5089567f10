"""What a visual context changes in a scene that MuJoCo is about to draw.

* :class:`Scenery`: which parts of a model are floor, body and target, and how a context paints them

A scene is made anew from the simulation for each picture and painted afterwards, so that the model,
its contacts and its rewards never know of a context, and two pictures of one state may differ.
"""

from __future__ import annotations

import math
from typing import Any

import mujoco
import numpy as np

from objwrappers.envs.control_contexts import Colour, Context, Distractor

__all__ = ["Scenery"]

_OBJECTS = mujoco.mjtObj
# NumPy's integers do not equal mujoco's enumerations.
_PLANE, _TERRAIN = int(mujoco.mjtGeom.mjGEOM_PLANE), int(mujoco.mjtGeom.mjGEOM_HFIELD)
_SPHERE = int(mujoco.mjtGeom.mjGEOM_SPHERE)
_BY_RADIUS = (int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_CYLINDER))
_EXPOSURE = 0.55
"""The suite's lamps make a colour up to 1.9 times as bright as its paint."""
_FARTHEST = 2.5
"""Times the distance of the scene's centre: floors beyond carry no distractors."""
_BEHIND = 2.0
"""Times the distance of the scene's centre: where the distractors are that no floor carries."""
_DISC_HEIGHT = 0.02
"""Of a distractor, in its radii: the target lies on the floor, too, and stays visible."""


class Scenery:
    """The parts of one model, by the role they have in its pictures.

    Args:
        model: A compiled ``mujoco.MjModel`` of the suite, whose materials name the roles: floors
            are of ``"grid"``, targets of ``"target"``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._roles = _roles_of(model)
        self._planes = [
            index
            for (kind, index), role in self._roles.items()
            if kind == int(_OBJECTS.mjOBJ_GEOM)
            and role in ("floor", "background")
            and model.geom_type[index] == _PLANE
        ]

    def paint(self, scene: Any, data: Any, context: Context, aspect: float) -> None:
        """Changes a scene that was just made.

        Args:
            scene: ``mujoco.MjvScene``.
            data: ``mujoco.MjData`` that it was made from.
            context: What to paint.
            aspect: The picture's width over its height.
        """
        # Before the camera turns: they lie in the world, where the suite's camera sees them.
        count = scene.ngeom
        for disc in context.distractors:
            self._add(disc, scene, data, aspect)
        self._paint_parts(scene, count, context)
        if context.light != (1.0, 1.0, 1.0) or context.light_tilt != (0.0, 0.0):
            self._light(scene, context)
        for camera in scene.camera:
            _aim(camera, context, aspect)

    def _paint_parts(self, scene: Any, count: int, context: Context) -> None:
        colours = {
            role: colour
            for role in ("body", "floor", "background", "target")
            if (colour := getattr(context, role)) is not None
        }
        if not colours and context.thickness == 1.0:
            return
        for index in range(count):
            geom = scene.geoms[index]
            role = self._roles.get((geom.objtype, geom.objid))
            if role in colours:
                geom.matid = -1  # no texture
                geom.rgba = _paint_of(colours[role], geom.rgba[3])
            if role == "body" and context.thickness != 1.0:
                _thicken(geom, context.thickness)

    def _light(self, scene: Any, context: Context) -> None:
        factors = np.array(context.light, np.float32)
        turn = _turn(*context.light_tilt)
        for index in range(scene.nlight):
            light = scene.lights[index]
            for part in ("ambient", "diffuse", "specular"):
                setattr(light, part, getattr(light, part) * factors)
            if not light.headlight:
                ray = np.array(light.dir, np.float64)
                distance = float(np.dot(self._model.stat.center - light.pos, ray))
                turned = turn @ ray
                # What it shone on straight ahead stays where it was.
                light.pos = (light.pos + distance * (ray - turned)).astype(np.float32)
                light.dir = turned.astype(np.float32)

    def _add(self, disc: Distractor, scene: Any, data: Any, aspect: float) -> None:
        if scene.ngeom >= scene.maxgeom:
            return
        place, forward, right, up, half = _view(scene)
        x, y = disc.position
        ray = forward + half * (x * aspect * right - y * up)
        centre = abs(float(np.dot(self._model.stat.center - place, forward)))
        centre = centre or float(self._model.stat.extent)
        depth, frame = _BEHIND * centre, np.stack([right, up, -forward], 1)
        for plane in self._planes:
            turned = data.geom_xmat[plane].reshape(3, 3)
            slope = float(np.dot(turned[:, 2], ray))
            reached = float(np.dot(turned[:, 2], data.geom_xpos[plane] - place))
            if slope < 0 and reached / slope < min(depth, _FARTHEST * centre):
                depth, frame = reached / slope, turned
        radius = disc.radius * half * depth
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(
            geom,
            mujoco.mjtGeom.mjGEOM_CYLINDER,
            np.array([radius, _DISC_HEIGHT * radius, 0.0]),
            place + depth * ray,
            frame.ravel(),
            _paint_of(disc.colour, 1.0),
        )
        geom.category = int(mujoco.mjtCatBit.mjCAT_DECOR)
        scene.ngeom += 1


def _roles_of(model: Any) -> dict[tuple[int, int], str]:
    """Returns kind and index of what can be painted → its role."""
    roles = {}
    for index in range(model.ngeom):
        material = _name(model, _OBJECTS.mjOBJ_MATERIAL, model.geom_matid[index])
        name = _name(model, _OBJECTS.mjOBJ_GEOM, index)
        role = "body"
        if material.startswith("target") or name.startswith("target"):
            role = "target"
        elif material in ("grid", "background") or model.geom_type[index] in (_PLANE, _TERRAIN):
            role = {"background": "background", "decoration": "wall"}.get(material, "floor")
        roles[int(_OBJECTS.mjOBJ_GEOM), index] = role
    for index in range(model.nsite):
        if _name(model, _OBJECTS.mjOBJ_SITE, index).startswith("target"):
            roles[int(_OBJECTS.mjOBJ_SITE), index] = "target"
    for index in range(model.nskin):
        roles[int(_OBJECTS.mjOBJ_SKIN), index] = "body"
    return roles


def _name(model: Any, kind: Any, index: int) -> str:
    return (mujoco.mj_id2name(model, kind, index) if index >= 0 else None) or ""


def _paint_of(colour: Colour, alpha: float) -> np.ndarray:
    """Returns the paint that looks like a colour where the suite's lamps shine on it."""
    return np.array((*(_EXPOSURE * part for part in colour), alpha), np.float32)


def _thicken(geom: Any, factor: float) -> None:
    size = np.array(geom.size)
    if geom.type in _BY_RADIUS:
        size[:2] *= factor
    elif geom.type == _SPHERE:
        size *= factor
    geom.size = size


def _view(scene: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Returns the camera's place, its three directions, and half a picture's height at depth 1."""
    left, other = scene.camera
    place = (np.array(left.pos, np.float64) + other.pos) / 2
    forward, up = np.array(left.forward, np.float64), np.array(left.up, np.float64)
    half = (left.frustum_top - left.frustum_bottom) / 2 / left.frustum_near
    return place, forward, np.cross(forward, up), up, float(half)


def _aim(camera: Any, context: Context, aspect: float) -> None:
    half = (camera.frustum_top - camera.frustum_bottom) / 2
    x, y = context.camera_shift
    middle = (camera.frustum_top + camera.frustum_bottom) / 2 - y * half
    camera.frustum_center += x * half * aspect
    camera.frustum_bottom = middle - half / context.camera_zoom
    camera.frustum_top = middle + half / context.camera_zoom
    if context.camera_roll:
        forward, up = np.array(camera.forward, np.float64), np.array(camera.up, np.float64)
        cosine, sine = math.cos(context.camera_roll), math.sin(context.camera_roll)
        camera.up = (cosine * up - sine * np.cross(forward, up)).astype(np.float32)


def _turn(about_x: float, about_y: float) -> np.ndarray:
    """Returns the rotation by two angles in radians, about the world's x first."""
    cosine, sine = math.cos(about_x), math.sin(about_x)
    first = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    cosine, sine = math.cos(about_y), math.sin(about_y)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]) @ first
