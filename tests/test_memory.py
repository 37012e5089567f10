"""Free memory from the files in which Linux tells it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers import memory


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Writes what the kernel tells; returns what is made of it."""

    def tell(meminfo=None, **group):
        for name, text in {"meminfo": meminfo, **group}.items():
            if text is not None:
                (tmp_path / name.replace("_", ".")).write_text(text)
        places = {"/proc/meminfo": tmp_path / "meminfo", "/sys/fs/cgroup": tmp_path}
        monkeypatch.setattr(memory, "Path", places.__getitem__)
        return memory.available_bytes()

    return tell


MACHINE = "MemTotal:       100 kB\nMemAvailable:    60 kB\nHugePages_Total:       0\n"


def test_a_machine_and_a_container_whichever_leaves_less(told):
    assert told() is None
    assert told(MACHINE) == 60 * 1024
    group = {"memory_current": "30000\n", "memory_stat": "anon 100\ninactive_file 5000\n"}
    assert told(memory_max="40000\n", **group) == 40_000 - 30_000 + 5_000
    assert told(memory_max="20000\n") == 0
    assert told(memory_max="900000\n") == 60 * 1024
    assert told(memory_max="max\n") == 60 * 1024


def test_this_machine_has_some():
    free = memory.available_bytes()
    assert free is None or 2**20 < free < 2**50


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(max_codepoint=127)))
def test_other_contents_tell_nothing(told, text):
    told_of_both = told(text, memory_max=text, memory_current=text, memory_stat=text)
    assert told_of_both is None
