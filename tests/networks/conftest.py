"""One thread for torch: its threads cost more than they give for tensors of a few values."""

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Let torch compute in one thread while these tests run."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
