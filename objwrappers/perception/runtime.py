"""How a frozen model runs: in eager torch, in ONNX Runtime on a processor, as a graph on a GPU.

Eager torch is the reference. A network in ONNX Runtime is compared with it when it is made, and
gives the same percepts to 1e-4; a graph is made of the same kernels.

* :data:`RUNTIMES`, :func:`check_runtime`: by name
* :func:`is_frozen`, :func:`running`: a frozen model → what perceives its frames

ONNX Runtime (the extra ``fast``) takes half of eager torch's time for small networks. Networks are
exported once, into the user's cache, by their digest.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from objwrappers.files import cache_folder, read_regular, write_atomically
from objwrappers.names import check_name
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.folding import folded
from objwrappers.perception.graphs import GraphedNetwork
from objwrappers.perception.parallel import Chunks
from objwrappers.telling import warn_once

__all__ = ["RUNTIMES", "Network", "OnnxNetwork", "check_runtime", "is_frozen", "running"]

RUNTIMES = ("auto", "torch", "onnx")

Network = Callable[[Tensor], dict[str, Tensor]]
"""uint8 frames (B, h, w, C), or (B, S, h, w, C), → percepts, as a model's own call gives them."""

TOLERANCE = 1e-4
OPSET = 17
MAX_BYTES = 2**28  # of an .onnx
TRIAL_FRAMES = 3
CURE = "pip install objwrappers[fast]"
KEY_NAME = "objwrappers"


def check_runtime(runtime: str) -> str:
    """Returns the name; raises ValueError, which lists the names, if there is no such runtime."""
    check_name("runtime", runtime, RUNTIMES)
    return runtime


def is_frozen(model: object) -> bool:
    """Whether a model is one of ours, and nothing of it learns."""
    return isinstance(model, PerceptionModule) and not any(
        parameter.requires_grad for parameter in model.parameters()
    )


def running(model: PerceptionModule, runtime: str = "auto") -> Network:
    """Returns what perceives as a frozen model does, as fast as may be.

    Args:
        model: Frozen and in evaluation mode; what it learns later, the copy does not.
        runtime: ``"torch"``: eager, batch norms folded; on CUDA one graph for each batch size, of
            models that can be exported.
            ``"onnx"``: ONNX Runtime. ``"auto"``: ONNX Runtime where it is installed, the model is
            on a processor and of a kind that it is known to be faster for; else torch. What fails
            there is a warning and torch.

    Raises:
        ValueError: No such runtime; or ``"onnx"`` with a model on another device than a processor,
            one that cannot be exported, or without ONNX Runtime.
    """
    check_runtime(runtime)
    network = folded(model)
    device = next(model.parameters(), torch.empty(0)).device
    if runtime == "torch" or (runtime == "auto" and not _gains(model, device)):
        graphed = device.type == "cuda" and bool(model.exportable)
        return GraphedNetwork(network) if graphed else network
    if device.type != "cpu":
        raise ValueError(
            f"runtime='onnx' is for processors, but {model.name} is on {device}: pass "
            "device='cpu', or runtime='torch'."
        )
    if model.exportable is False:
        raise ValueError(f"{model.name} does not run in ONNX Runtime: pass runtime='torch'.")
    if not _installed():
        raise ValueError(f"runtime='onnx' needs ONNX Runtime and onnx: {CURE}, or runtime='torch'.")
    try:
        return OnnxNetwork(model, network)
    except Exception as error:
        why = shorten(str(error), 200, placeholder=" …")  # it may hold the whole graph
        if runtime == "onnx":
            raise ValueError(f"{model.name} does not run in ONNX Runtime: {why}") from error
        warn_once(f"{model.name} runs in torch, not in ONNX Runtime: {why}", stacklevel=3)
        return network


def _gains(model: PerceptionModule, device: torch.device) -> bool:
    return bool(model.exportable) and device.type == "cpu" and _installed()


def _installed() -> bool:
    return all(find_spec(name) is not None for name in ("onnxruntime", "onnx"))


class OnnxNetwork:
    """A model in ONNX Runtime, on a processor.

    A batch is cut into as many parts as torch has threads, each perceived by one thread, so that
    no engine keeps threads of its own that would take turns with those of others. Copies share the
    session; a pickle holds the exported network.

    Args:
        model: Frozen, on a processor.
        network: The same with batch norms folded; what is exported.

    Raises:
        ValueError: It gives other percepts than torch.
    """

    def __init__(self, model: PerceptionModule, network: PerceptionModule) -> None:
        form = network.frame_format
        ends = (form.stack,) if form.stack > 1 else ()
        size = (form.height or 1, form.width or 1, 1 if form.grayscale else 3)
        generator = torch.Generator().manual_seed(0)
        frames = torch.randint(
            256, (TRIAL_FRAMES, *ends, *size), generator=generator, dtype=torch.uint8
        )
        with torch.inference_mode():
            expected = network(frames)
        self._model, self._keys = network, [*expected]
        key = _key(model)
        path = cache_folder("onnx", f"{key[:32]}.onnx")
        try:
            self._take(_read(path, key))
            self._compare(frames, expected)
        except FileNotFoundError:
            self._make(path, frames, key, expected)
        except Exception as error:
            warn_once(f"An exported network is made again: {error}", stacklevel=4)
            self._make(path, frames, key, expected)

    def _make(self, path: Path, frames: Tensor, key: str, expected: dict[str, Tensor]) -> None:
        self._take(_export(self._model, frames, self._keys, key))
        self._compare(frames, expected)
        _keep(path, self._content)

    def _take(self, content: bytes) -> None:
        self._content = content
        self._chunks = Chunks(partial(_run, _session(content), self._keys))

    def __deepcopy__(self, _: object) -> OnnxNetwork:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self._model, "keys": self._keys, "content": self._content}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._model, self._keys = state["model"], state["keys"]
        self._take(state["content"])

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives frames; see :meth:`~objwrappers.perception.base.PerceptionModule.forward`."""
        frames = self._model.resize(frames)
        return {key: torch.from_numpy(v) for key, v in self._chunks(frames.numpy()).items()}

    def _compare(self, frames: Tensor, expected: dict[str, Tensor]) -> None:
        got = self(frames)
        for key, value in expected.items():
            # Bytes of a feature map are rounded: what lies in the middle goes either way.
            most = 1.0 if _is_whole(value) else TOLERANCE * max(1.0, float(value.abs().max()))
            if got[key].shape != value.shape or not float((got[key] - value).abs().max()) <= most:
                raise ValueError(f"{key} differs from torch's by more than {most}")


def _run(session: Any, keys: list[str], frames: np.ndarray) -> dict[str, np.ndarray]:
    values = session.run(keys, {"frames": np.ascontiguousarray(frames)})
    return dict(zip(keys, values, strict=True))


def _is_whole(value: Tensor) -> bool:
    return value.numel() > 0 and bool((value == value.round()).all()) and float(value.max()) > 1


class _Exported(nn.Module):
    """Frames → the percepts in their order, as a graph has them."""

    def __init__(self, network: PerceptionModule) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        percepts = self.network.perceive(self.network.images(frames))
        return tuple(value.float() for value in percepts.values())


def _key(model: PerceptionModule) -> str:
    """SHA-256 of all that a graph is made of."""
    spaces = {key: str(space) for key, space in model.observation_space.spaces.items()}
    facts = {
        "digest": model.digest,
        "arguments": model.arguments,
        "spaces": spaces,
        "opset": OPSET,
        "sealed": True,
        "versions": [version("objwrappers"), torch.__version__],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _export(network: PerceptionModule, frames: Tensor, keys: list[str], key: str) -> bytes:
    buffer = io.BytesIO()
    # What cannot be exported is printed as a whole.
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        # The other exporter needs a package more and takes twenty times as long.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Exported(network).eval(),
            (frames,),
            buffer,  # type: ignore[arg-type]
            input_names=["frames"],
            output_names=keys,
            dynamic_axes={name: {0: "batch"} for name in ("frames", *keys)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = buffer.getvalue()
    return graph + _seal(graph, key)


def _seal(graph: bytes, key: str) -> bytes:
    """A digest of a graph and of what it is made of, as one more entry of its metadata_props.

    Messages of protobuf are joined by appending.
    """
    name, value = KEY_NAME.encode(), hashlib.sha256(key.encode() + graph).hexdigest().encode()
    entry = b"\x0a" + bytes([len(name)]) + name + b"\x12" + bytes([len(value)]) + value
    return b"\x72" + bytes([len(entry)]) + entry


def _read(path: Path, key: str) -> bytes:
    """The exported network.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is another one's, or was changed.
    """
    content = read_regular(path, MAX_BYTES)
    graph = content[: -len(_seal(b"", key))]
    if content != graph + _seal(graph, key):
        raise ValueError(f"{path} is not of these weights, or was changed.")
    return content


def _keep(path: Path, content: bytes) -> None:
    try:
        with write_atomically(path) as file:
            file.write(content)
    except OSError as error:
        warn_once(f"The exported network is not kept: {error}", stacklevel=5)


def _session(content: bytes) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Threads that wait by spinning would slow down ALE and torch beside it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
