import pytest
import torch

from hyperedu import MainNetwork, Sinusoids

# The networks of the tests are too small for two threads, which wait for each other without end on a busy machine.
torch.set_num_threads(1)


@pytest.fixture
def random():
    """A source of randomness that is the same at every run."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def main():
    return MainNetwork.mlp([1, 8, 8, 1])


@pytest.fixture
def family():
    return Sinusoids()
