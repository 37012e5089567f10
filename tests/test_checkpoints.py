"""Checkpoints: what was saved comes back, what is damaged is named."""

import os
import pickle

import pytest
import torch

from objwrappers.checkpoints import load_checkpoint, save_checkpoint

KINDS = {"facts": object, "weights": torch.Tensor}


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, {"facts": {"seed": 1}, "weights": torch.arange(3.0)})
    state = load_checkpoint(path, KINDS, "Remove it.")
    assert state["facts"] == {"seed": 1}
    assert torch.equal(state["weights"], torch.arange(3.0))
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    "content", [b"", b"PK", pickle.dumps({"facts": 1}, 2), pickle.dumps(Evil(), 2)]
)
def test_what_is_no_checkpoint_is_named_with_the_cure_and_not_run(tmp_path, content, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)checkpoint.pt is damaged .*Remove it\."):
        load_checkpoint(path, KINDS, "Remove it.")
    assert capsys.readouterr().out == ""


def test_a_cut_off_checkpoint_and_another_file_of_torch_are_damaged(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"facts": 1, "weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(path, KINDS, "Remove it.")
    save_checkpoint(path, {"weights": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"is damaged .KeyError .facts"):
        load_checkpoint(path, KINDS, "Remove it.")


def test_a_bit_that_flipped_is_noticed_and_checkpoints_of_before_are_read(tmp_path):
    path = tmp_path / "checkpoint.pt"
    state = {"facts": 1, "weights": torch.arange(100.0)}
    save_checkpoint(path, state)
    whole = path.read_bytes()
    at = whole.index(torch.arange(100.0).numpy().tobytes()) + 201
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"the digest is another one\). Remove it"):
        load_checkpoint(path, KINDS, "Remove it.")
    torch.save(state, path)
    assert torch.equal(load_checkpoint(path, KINDS, "Remove it.")["weights"], state["weights"])


@pytest.mark.parametrize(
    ("state", "message"),
    [({"facts": 1, "weights": [0.0]}, "weights is of type list"), ([1.0], "list indices")],
)
def test_what_a_checkpoint_does_not_hold_is_damage(tmp_path, state, message):
    path = tmp_path / "checkpoint.pt"
    torch.save(state, path)
    with pytest.raises(ValueError, match=rf"is damaged \({message}.*\). Remove it"):
        load_checkpoint(path, KINDS, "Remove it.")


def test_what_is_no_file_is_not_waited_for_and_what_was_cut_off_is_swept(tmp_path):
    path = tmp_path / "checkpoint.pt"
    (tmp_path / ".checkpoint.pt.unfinished-abcd1234").write_bytes(b"half")
    save_checkpoint(path, {"facts": 1, "weights": torch.zeros(1)})
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is not a regular file"):
        load_checkpoint(path, KINDS, "Remove it.")
