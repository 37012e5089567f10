"""Checkpoints: what was saved comes back, what is damaged is named."""

import pickle

import pytest
import torch

from objwrappers.checkpoints import load_checkpoint, save_checkpoint


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, {"facts": {"seed": 1}, "weights": torch.arange(3.0)})
    state = load_checkpoint(path, "Remove it.")
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
        load_checkpoint(path, "Remove it.")
    assert capsys.readouterr().out == ""


def test_a_cut_off_checkpoint_and_another_file_of_torch_are_damaged(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"facts": 1, "weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(path, "Remove it.")
    save_checkpoint(path, {"weights": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"is damaged ..facts"):
        load_checkpoint(path, "Remove it.")
