"""How much memory may be taken: by this machine, by a container; and what an adaptation takes of it."""

import contextlib

import psutil
import pytest
import torch
from torch import nn

from hyperedu import Examples, MainNetwork, adapt, adaptation, memory
from hyperedu.adaptation import _check_memory
from hyperedu.memory import free_memory

GB = 2**30


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 8 GB free, and no control group but those that a test writes."""
    free = type("Memory", (), {"available": 8 * GB})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "membership")
    return tmp_path


def write(machine, membership: str, groups: dict[str, dict[str, object]]) -> None:
    (machine / "membership").write_text(membership, encoding="utf-8")
    for name, files in groups.items():
        folder = machine / "cgroup" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, value in files.items():
            (folder / file).write_text(f"{value}\n", encoding="utf-8")


def v2(most, used, stat="") -> dict[str, object]:
    return {"memory.max": most, "memory.current": used, "memory.stat": stat}


def v1(most, used, stat="") -> dict[str, object]:
    return {"memory.limit_in_bytes": most, "memory.usage_in_bytes": used, "memory.stat": stat}


def test_where_there_are_no_control_groups_the_machine_counts(machine):
    assert free_memory() == 8 * GB


def test_this_machine_has_memory():
    assert 0 < free_memory() <= psutil.virtual_memory().total


CACHE_2 = "anon 500\nfile 300\ninactive_file 200\nactive_file 100"
CACHE_1 = "cache 300\ninactive_file 10\ntotal_inactive_file 200\ntotal_active_file 100"

# What stands in /proc/self/cgroup, the groups below /sys/fs/cgroup, and what may be taken.
MACHINES = {
    "version 2": ("0::/\n", {"": v2(1000, 600)}, 400),
    "version 2, files kept in memory": ("0::/\n", {"": v2(1000, 600, CACHE_2)}, 600),
    "version 2, statistics that cannot be read": ("0::/\n", {"": v2(1000, 600, "inactive_file\n\n200")}, 400),
    "version 2, statistics of something else": ("0::/\n", {"": v2(1000, 600, "anon 500")}, 400),
    "version 2, no statistics": ("0::/\n", {"": {"memory.max": 1000, "memory.current": 600}}, 400),
    "version 2, no limit": ("0::/\n", {"": v2("max", 600)}, 8 * GB),
    "version 2, a limit beyond the machine": ("0::/\n", {"": v2(100 * GB, 600)}, 8 * GB),
    "version 2, a group of its own": ("0::/user/lab\n", {"user/lab": v2(1000, 600)}, 400),
    "version 2, the group above is smaller": (
        "0::/user/lab\n", {"user/lab": v2(2000, 600), "user": v2(1000, 900, CACHE_2)}, 300),
    "version 2, the group above is larger": ("0::/user/lab\n", {"user/lab": v2(1000, 600), "user": v2(9000, 700)}, 400),
    "version 2, only the root has a limit": ("0::/user/lab\n", {"user/lab": v2("max", 600), "": v2(1000, 700)}, 300),
    "version 2, named as the host names it": ("0::/docker/0123abc\n", {"": v2(1000, 600)}, 400),
    "version 2, a limit but no usage": ("0::/\n", {"": {"memory.max": 1000}}, 8 * GB),
    "version 2, full": ("0::/\n", {"": v2(1000, 1200)}, 0),
    "version 1": ("9:memory:/\n3:cpu,cpuacct:/\n", {"memory": v1(1000, 600)}, 400),
    "version 1, files kept in memory": ("9:memory:/\n", {"memory": v1(1000, 600, CACHE_1)}, 600),
    "version 1, several controllers": ("4:hugetlb,memory:/lab\n", {"memory/lab": v1(1000, 600)}, 400),
    "version 1, the group above is smaller": (
        "9:memory:/user/lab\n", {"memory/user/lab": v1(5000, 100), "memory/user": v1(1000, 700)}, 300),
    "version 1, no limit": ("9:memory:/\n", {"memory": v1(9223372036854771712, 600)}, 8 * GB),
    "version 1, another controller": ("9:cpu,memoryless:/\n", {"memory": v1(1000, 600)}, 8 * GB),
    "both versions": (
        "9:memory:/lab\n1:name=systemd:/lab\n0::/lab\n", {"memory/lab": v1(1000, 600), "lab": v2(1000, 800)}, 200),
    "a name with a colon": ("0::/user:1000/lab\n", {"user:1000/lab": v2(1000, 600)}, 400),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_a_container_may_take_what_its_groups_leave(machine, name):
    membership, groups, expected = MACHINES[name]
    write(machine, membership, groups)
    assert free_memory() == expected


def test_the_machine_may_be_fuller_than_the_container(machine, monkeypatch):
    write(machine, "0::/\n", {"": v2(1000, 600)})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 300}))
    assert free_memory() == 300


# What an adaptation takes


def small(n_tasks=4, n=6):
    main = MainNetwork.mlp([1, 300, 300, 1])
    x = torch.zeros(n_tasks, n, 1)
    return main, torch.zeros(main.weight_dim), Examples(x, x)


def estimate(main, n_tasks, n, steps, second_order, keep, size=4, dim=None) -> int:
    """Bytes: every θ that is kept; and for each step that is differentiated six θ and, for each example, eight of each unit."""
    dim = main.weight_dim if dim is None else dim
    needed = (steps + 1 if keep or second_order else 1) * n_tasks * dim * size
    units = sum(shape[0] for name, shape in main.shapes.items() if name.endswith("bias"))
    return needed + second_order * steps * size * (6 * n_tasks * main.weight_dim + 8 * n * n_tasks * units)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("second_order", [True, False])
@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 4), (torch.float64, 8)])
def test_up_to_nine_tenths_of_what_is_free_may_be_taken(monkeypatch, second_order, keep, dtype, size):
    main, theta, support = small()
    theta, lead = theta.to(dtype), torch.Size([5, 4])
    steps = 400 if second_order or keep else 300_000
    needed = estimate(main, 20, 6, steps, second_order, keep, size)
    if not second_order and not keep:  # one θ for each task, however many steps
        lead, needed = torch.Size([500]), 500 * main.weight_dim * size
    assert needed > 2**27
    for free, enough in ((needed / 0.9 * 1.0001, True), (needed / 0.9 * 0.9999, False)):
        monkeypatch.setattr(adaptation, "free_memory", lambda free=free: int(free))
        if enough:
            _check_memory(main, theta, support, steps, lead, second_order, keep)
        else:
            n_tasks = lead.numel()
            words = f"{steps} steps on {n_tasks} tasks need about {needed / GB:.1f} GB, and {int(free) / GB:.1f} GB are free"
            with pytest.raises(MemoryError, match=words):
                _check_memory(main, theta, support, steps, lead, second_order, keep)


def test_a_descriptor_that_adapts_is_small_but_its_weights_are_not(monkeypatch):
    """What is kept has the length of τ; what is differentiated, that of θ."""
    main, _, support = small()
    needed = estimate(main, 4, 6, 100, True, True, dim=3)
    for free, enough in ((needed / 0.9 * 1.001, True), (needed / 0.9 * 0.999, False)):
        monkeypatch.setattr(adaptation, "free_memory", lambda free=free: int(free))
        try:
            _check_memory(main, torch.zeros(3), support, 100, torch.Size([4]), True, True)
            let_through = True
        except MemoryError:
            let_through = False
        assert let_through == enough


def test_of_images_every_pixel_of_every_channel_is_counted(monkeypatch):
    """Measured: 8 tasks of 50 images, 5 steps through four convolutions of 32 channels, take 410 MB."""
    main = MainNetwork.conv((1, 28, 28), (32,) * 4, d_out=5)
    support = Examples(torch.zeros(8, 50, 1, 28, 28), torch.zeros(8, 50).long())
    for free, enough in ((1000, True), (450, False)):
        monkeypatch.setattr(adaptation, "free_memory", lambda free=free: free * 2**20)
        with contextlib.nullcontext() if enough else pytest.raises(MemoryError, match=r"need about 0.5 GB"):
            _check_memory(main, torch.zeros(main.weight_dim), support, 5, torch.Size([8]), True, False)


def test_a_small_adaptation_and_other_devices_do_not_ask(monkeypatch):
    def asked():
        raise AssertionError("it takes longer to ask than to adapt")

    monkeypatch.setattr(adaptation, "free_memory", asked)
    main, theta, support = small()
    kept = 2**27 // (4 * main.weight_dim * 4) - 1  # the steps whose every θ fills 128 MB
    _check_memory(main, theta, support, kept, torch.Size([4]), False, True)
    _check_memory(main, theta.to("meta"), support.to("meta"), 10**6, torch.Size([4]), True, True)
    with pytest.raises(AssertionError):
        _check_memory(main, theta, support, kept + 1, torch.Size([4]), False, True)


@pytest.mark.parametrize("settings", [{}, {"first_order": True}, {"keep": False}])
def test_more_steps_than_memory_allows_are_refused_before_the_first(machine, settings):
    """3 GB in a container of 1 GB: asked for with the gradients of every step, with every θ, and let through with neither."""
    main, theta, support = small()
    write(machine, "0::/lab\n", {"lab": v2(GB, GB // 2)})
    steps = 2500
    with pytest.raises(MemoryError, match="fewer steps or tasks, first_order=True, or keep=False"):
        adapt(main, theta.requires_grad_(), support, steps, **settings)


def test_without_gradients_or_a_path_any_number_of_steps_is_let_through(machine):
    main, theta, support = small(n_tasks=1, n=2)
    write(machine, "0::/lab\n", {"lab": v2(GB, GB - 2**22)})
    with torch.no_grad():
        assert adapt(main, theta, support, 500, keep=False).final.shape == (1, main.weight_dim)
        with pytest.raises(MemoryError):
            adapt(main, theta, support, 500)


@pytest.mark.parametrize("sizes", [[1, 200, 200, 1], [1, 30, 30, 1]])
def test_the_estimate_is_no_less_than_what_the_graph_holds(sizes):
    """Counted: every block of memory that autograd keeps for the gradient through the steps."""
    main, n, steps = MainNetwork.mlp(sizes), 50, 4
    random = torch.Generator().manual_seed(0)
    x = torch.randn(5, n, 1, generator=random)
    theta = main.initial_weights(rng=random).requires_grad_()
    blocks = {}

    def pack(tensor):
        blocks[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        path = adapt(main, theta, Examples(x, x.sin()), steps)
    held = sum(blocks.values())
    assert path.final.requires_grad
    assert held < estimate(main, 5, n, steps, True, True) < 8 * held, "never too little, and not so much that nothing may run"


def test_a_module_is_estimated_too():
    main = MainNetwork.from_module(nn.Sequential(nn.Linear(1, 300), nn.ReLU(), nn.Linear(300, 1)))
    with pytest.raises(MemoryError):
        adapt(main, torch.zeros(main.weight_dim), small()[2], 10**8)
