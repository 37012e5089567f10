"""Damaged data of every kind, put through every reader: one clear error, or numbers to work with.

A reader may raise ValueError or OSError, in two seconds and one GiB, and nothing else.
"""

import pytest
from attacks.guarded import attack
from attacks.readers import READERS

SEALED = [name for name, reader in READERS.items() if reader.sealed]


def told(wrong):
    return "\n".join(f"{name}, seed {seed}, {how}: {why}" for name, seed, how, why in wrong)


def test_every_reader_survives_damage():
    wrong = attack(READERS, range(12))
    assert not wrong, told(wrong)


def test_every_bit_of_tensors_that_flips_is_noticed():
    wrong = attack(SEALED, range(1000, 1010), "flip")
    assert not wrong, told(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_reader_survives_a_thousand_pieces_of_damage(name):
    wrong = attack([name], range(10_000, 11_000))
    assert not wrong, told(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEALED)
def test_a_hundred_and_fifty_bits_that_flip_are_noticed(name):
    wrong = attack([name], range(20_000, 20_150), "flip")
    assert not wrong, told(wrong)
