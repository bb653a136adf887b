"""Examples, batches and sets of tasks: who counts tasks and examples, and what stays as it was on the way."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hyperedu import (
    MAML,
    ColoradoClimate,
    Examples,
    Family,
    HyperMAML,
    Hypernetwork,
    MainNetwork,
    MetaSGD,
    MLPGenerator,
    Quadratics,
    Sinusoids,
    SupportSetHypernetwork,
    TaskBatch,
    TaskSet,
    adapt,
    meta_test,
    meta_train,
)
from hyperedu.batches import floats, readable
from hyperedu.lessons.task_descriptors.phrases import WavesInWords

# Kinds of examples: the shape of one x, its dtype; the shape of one y, its dtype.
KINDS = {
    "numbers": ((3,), torch.float64, (2,), torch.float64),
    "classes": ((3,), torch.float64, (), torch.int64),
    "images": ((1, 2, 2), torch.float32, (), torch.int64),
    "images to numbers": ((1, 2, 2), torch.float32, (1,), torch.float32),
    "words": ((4,), torch.int64, (1,), torch.float32),
    "words to classes": ((4,), torch.int64, (), torch.int64),
}


def made(kind: str, *lead: int, n: int = 5, first: int = 0) -> Examples:
    """Examples of which no two numbers are alike, from `first` on."""
    x_shape, x_dtype, y_shape, y_dtype = KINDS[kind]
    x, y = (
        torch.arange(first, first + torch.Size((*lead, n, *shape)).numel()).reshape(*lead, n, *shape).to(dtype)
        for shape, dtype in ((x_shape, x_dtype), (y_shape, y_dtype))
    )
    return Examples(x, y)


def same(one: Examples, x: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether shapes, dtypes and values are those of x and y."""
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in ((one.x, x), (one.y, y)))


@pytest.mark.parametrize("lead", [(), (4,), (2, 3), (1,), (5,)])
@pytest.mark.parametrize("kind", KINDS)
def test_how_many_tasks_and_examples_there_are_is_read_from_any_kind(kind, lead):
    examples = made(kind, *lead, n=5)
    assert examples.lead == lead
    assert len(examples) == 5
    assert examples.has_classes == (KINDS[kind][3] == torch.int64)


@pytest.mark.parametrize("kind", KINDS)
def test_there_may_be_no_examples(kind):
    examples = made(kind, 4, n=0)
    assert examples.lead == (4,)
    assert len(examples) == 0


@pytest.mark.parametrize("which", [0, 3, -1, -4, slice(1, 3), [2, 0], torch.tensor([3, 3]), torch.arange(4) > 1])
@pytest.mark.parametrize("kind", KINDS)
def test_a_task_is_taken_out_of_a_batch(kind, which):
    examples = made(kind, 4)
    assert same(examples.task(which), examples.x[which], examples.y[which])
    assert len(examples.task(which)) == 5
    several = made(kind, 4, 3)
    assert same(several.task(which), several.x[which], several.y[which])


@pytest.mark.parametrize("which", [[0], [4, 1, 1], [-1, -5], slice(1, 4), torch.tensor([2]), torch.arange(5) != 2, []])
@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_some_examples_are_those_of_each_task_in_the_order_asked_for(kind, lead, which):
    examples = made(kind, *lead)
    found = examples.some(which)
    order = torch.arange(5)[which].tolist()
    assert found.lead == lead
    assert len(found) == len(order)
    along = len(lead)
    x = [examples.x.select(along, i) for i in order]
    y = [examples.y.select(along, i) for i in order]
    if order:
        assert same(found, torch.stack(x, along), torch.stack(y, along))


@pytest.mark.parametrize("index", [2, torch.tensor(2), [[0, 1]]])
def test_one_number_does_not_name_some_examples(index):
    """It would take away the dimension that counts them."""
    with pytest.raises(ValueError, match=r"numbers in a row, such as \[0, 3\]"):
        made("numbers", 4).some(index)


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_and_a_split_and_joining_them_again(kind, lead):
    examples, along = made(kind, *lead), len(lead)
    for n in range(6):
        first, others = examples.split(n)
        assert (len(first), len(others)) == (n, 5 - n)
        assert same(first, examples.x.narrow(along, 0, n), examples.y.narrow(along, 0, n))
        assert same(others, examples.x.narrow(along, n, 5 - n), examples.y.narrow(along, n, 5 - n))
        assert same(examples.first(n), first.x, first.y)
        assert same(first.joined(others), examples.x, examples.y)


def test_a_number_of_numpy_is_a_number():
    examples = made("numbers", 4)
    assert len(examples.first(np.int64(2))) == 2
    assert adapt(MainNetwork.mlp([3, 2]), torch.zeros(8).double(), examples, np.int64(2)).theta.shape == (3, 4, 8)
    Sinusoids().train.check(np.int64(3), np.int64(2), np.int64(1))


def test_joined_examples_keep_their_order():
    one, two = made("classes", 2, n=1), made("classes", 2, n=2, first=50)
    assert one.joined(two).y.tolist() == [[0, 50, 51], [1, 52, 53]]
    assert two.joined(one).y.tolist() == [[50, 51, 0], [52, 53, 1]]


@pytest.mark.parametrize(
    "change",
    [
        lambda D: D.to(torch.float16),
        lambda D: D.to(dtype=torch.float16),
        lambda D: D.to(torch.zeros(3, dtype=torch.float16)),
        lambda D: D.to("cpu", torch.float16),
        lambda D: D.to(torch.float16, non_blocking=True),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_counted_stays_int64_in_another_dtype(kind, change):
    examples = made(kind, 4)
    moved = change(examples)
    for before, after in ((examples.x, moved.x), (examples.y, moved.y)):
        assert after.dtype == (torch.float16 if before.is_floating_point() else torch.int64)
        assert torch.equal(after.to(before.dtype), before)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_moves_to_another_device(kind):
    moved = made(kind, 4).to("meta")
    assert moved.x.is_meta
    assert moved.y.is_meta
    assert (moved.lead, len(moved)) == ((4,), 5)
    assert (moved.x.dtype, moved.y.dtype) == (KINDS[kind][1], KINDS[kind][3])


def test_examples_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        made("numbers").x = torch.zeros(5, 3)


def test_what_has_no_values_is_not_asked_for_them():
    """On the meta device there are no values, and inside vmap they are not to be looked at."""
    nan = torch.full((2, 4, 3, 1), torch.nan)
    assert Examples(nan[0].to("meta"), nan[0].to("meta")).lead == (4,)
    assert Examples(torch.zeros(3, 1, device="meta"), -torch.ones(3, device="meta").long()).has_classes
    found = torch.func.vmap(lambda x: Examples(x, x).first(2).x)(nan)
    assert found.shape == (2, 4, 2, 1)
    seen = []
    torch.func.vmap(lambda x: (seen.append(readable(x)), x)[1])(nan)
    assert seen == [False]
    assert readable(nan)
    assert not readable(nan.to("meta"))
    assert torch.func.grad(lambda x: (seen.append(readable(x)), x.sum())[1])(torch.zeros(2)).tolist() == [1, 1]
    torch.func.vmap(torch.func.grad(lambda x: (seen.append(readable(x)), x.sum())[1]))(torch.zeros(2, 3))
    torch.func.grad(lambda x: torch.func.vmap(lambda x: (seen.append(readable(x)), x)[1])(x).sum())(torch.zeros(2))
    assert seen == [False, True, False, False]


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_single_value_that_is_not_finite_is_refused(name, bad):
    parts = {"x": torch.zeros(4, 5, 3), "y": torch.zeros(4, 5, 2)}
    Examples(**parts)
    parts[name][-1, -1, -1] = bad
    with pytest.raises(ValueError, match=f"{name} contains NaN or infinite"):
        Examples(**parts)


def test_classes_begin_at_zero():
    assert Examples(torch.zeros(2, 1), torch.tensor([0, 1])).has_classes
    with pytest.raises(ValueError, match="negative labels"):
        Examples(torch.zeros(2, 1), torch.tensor([0, -1]))


@given(
    kind=st.sampled_from(list(KINDS)),
    lead=st.lists(st.integers(1, 3), max_size=2),
    n=st.integers(0, 4),
    data=st.data(),
)
def test_taking_apart_and_putting_together_are_inverse_for_all_shapes(kind, lead, n, data):
    examples = made(kind, *lead, n=n)
    k = data.draw(st.integers(0, n))
    first, others = examples.split(k)
    assert same(first.joined(others), examples.x, examples.y)
    order = torch.tensor(data.draw(st.permutations(range(n))), dtype=torch.long)
    assert same(examples.some(order).some(order.argsort()), examples.x, examples.y)
    dtype = data.draw(st.sampled_from([torch.float16, torch.float32, torch.float64]))
    there_and_back = [value.to(dtype) if value.is_floating_point() else value for value in (examples.x, examples.y)]
    assert same(examples.to(dtype), *there_and_back)
    if lead:
        i = data.draw(st.integers(-lead[0], lead[0] - 1))
        one, few = examples.task(i), examples.first(k).task(i)
        assert one.lead == tuple(lead[1:])
        assert same(few, one.first(k).x, one.first(k).y)
        assert same(examples.to(dtype).task(i), one.to(dtype).x, one.to(dtype).y)


# Batches of tasks


def batch(kind: str = "classes") -> TaskBatch:
    tau, names = torch.arange(8.0).reshape(4, 2), ["a", "b", "c", "d"]
    return TaskBatch(tau, made(kind, 4), made(kind, 4, n=3, first=200), {"name": names, "age": torch.arange(4)})


@pytest.mark.parametrize("i", [0, 2, 3, -1, -4])
def test_one_task_of_a_batch_is_a_batch_of_one(i):
    whole, one = batch(), batch().task(i)
    assert len(whole) == 4
    assert len(one) == 1
    assert torch.equal(one.descriptor[0], whole.descriptor[i])
    assert same(one.support.task(0), whole.support.x[i], whole.support.y[i])
    assert same(one.query.task(0), whole.query.x[i], whole.query.y[i])
    assert one.properties["name"] == [whole.properties["name"][i]]
    assert one.properties["age"].tolist() == [whole.properties["age"][i].item()]


def test_fewer_shots_are_the_first_of_them_and_leave_the_rest():
    whole = batch()
    fewer = whole.with_shots(2)
    assert same(fewer.support, whole.support.x[:, :2], whole.support.y[:, :2])
    assert fewer.query is whole.query
    assert fewer.descriptor is whole.descriptor
    assert fewer.properties is whole.properties
    assert len(whole.support) == 5
    assert len(whole.with_shots(0).support) == 0
    assert len(whole.with_shots(5).support) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_moves_whole(kind):
    whole = batch(kind)
    moved = whole.to(torch.float16)
    assert moved.descriptor.dtype == torch.float16
    assert torch.equal(moved.descriptor.float(), whole.descriptor)
    for before, after in ((whole.support, moved.support), (whole.query, moved.query)):
        assert same(before.to(torch.float16), after.x, after.y)
    assert moved.properties is whole.properties
    meta = whole.to("meta")
    assert meta.descriptor.is_meta
    assert meta.support.x.is_meta
    assert meta.query.y.is_meta
    assert meta.support.y.dtype == KINDS[kind][3]


def test_support_and_query_sets_may_differ_in_size():
    assert len(TaskBatch(torch.zeros(2, 1), made("numbers", 2, n=0), made("numbers", 2, n=9), {}).query) == 9


# Sets and families of tasks


@pytest.mark.parametrize("sizes", [(1, 0, 1), (7, 3, 2), (None, 0, 1)])
def test_what_can_be_sampled_is_let_through(sizes):
    tasks = TaskSet()
    tasks.n_tasks = 7
    tasks.check(*sizes)


@pytest.mark.parametrize(
    ("n_tasks", "sizes", "words"),
    [
        (7, (0, 1, 1), "n_tasks must be at least 1, got 0"),
        (7, (8, 1, 1), "8 tasks asked for, but this set has 7"),
        (7, (1, -1, 1), "shots must be at least 0 and queries at least 1, got -1 and 1"),
        (7, (1, 3, 0), "shots must be at least 0 and queries at least 1, got 3 and 0"),
        (None, (None, 1, 1), "endlessly many tasks: say how many with n_tasks"),
        (7, (1.5, 1, 1), "n_tasks must be a whole number, got 1.5"),
        (7, (1, None, 1), "shots must be a whole number, got None"),
        (7, (1, "2", 1), "shots must be a whole number, got '2'"),
        (7, (1, 1, 2.0), "queries must be a whole number, got 2.0"),
    ],
)
def test_what_cannot_be_sampled_is_refused_with_its_numbers(n_tasks, sizes, words):
    tasks = TaskSet()
    tasks.n_tasks = n_tasks
    with pytest.raises(ValueError, match=words):
        tasks.check(*sizes)


def test_an_endless_set_gives_as_many_tasks_as_asked_for():
    tasks = TaskSet()
    tasks.n_tasks = None
    tasks.check(10**6, 0, 1)


def test_a_family_has_two_sets():
    assert isinstance(Sinusoids(), Family)
    assert not isinstance(Sinusoids().train, Family)


FAMILIES = {
    "Sinusoids": Sinusoids,
    "Quadratics": Quadratics,
    "ColoradoClimate, months": lambda: ColoradoClimate(examples="months"),
    "ColoradoClimate, years": lambda: ColoradoClimate("precipitation", examples="years"),
    "WavesInWords": lambda: WavesInWords(n_train=20, n_test=20),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_and_learner_follows_the_default_dtype(name, in_float64, random):
    """A family made under torch.set_default_dtype(torch.float64) is in float64, and so are learners made then."""
    family = FAMILIES[name]()
    for tasks in (family.train, family.test):
        some = tasks.sample(3, 4, 5, rng=random)
        values = [some.descriptor, some.support.x, some.support.y, some.query.x, some.query.y]
        assert {value.dtype for value in values} == {torch.float64}
    main = MainNetwork.mlp([some.support.x.shape[-1], 4, 1])
    generator = MLPGenerator(some.descriptor.shape[-1], main)
    learners = [Hypernetwork(main, generator), MAML(main), MetaSGD(main), HyperMAML(main), SupportSetHypernetwork(main)]
    for learner in learners:
        assert {p.dtype for p in learner.parameters()} == {torch.float64}
        meta_train(learner, family.train, 1, 2, 4, 5, rng=random, progress=False)
        assert meta_test(learner, family.test, 4, 5, n_tasks=3).per_task.dtype == torch.float64


def test_a_module_as_main_network_follows_the_default_dtype(in_float64):
    main = MainNetwork.from_module(nn.Linear(1, 1).float())
    assert main.initial_weights().dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_become_floats_of_the_default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        for value in (3, 2.5, [1, 2], np.ones(3), np.float32(1), torch.ones(2, dtype=torch.float16), torch.arange(3)):
            assert floats(value).dtype == dtype
        assert floats([1, 2]).tolist() == [1.0, 2.0]
    finally:
        torch.set_default_dtype(before)


# Class labels are class indices (…, n) in int64, wherever they go


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda: MainNetwork.mlp([3, 4, 3], loss="cross_entropy"), (3,)),
        (lambda: MainNetwork.from_module(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), 3, "cross_entropy"), (1, 2, 2)),
        (
            lambda: MainNetwork.from_module(
                nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(6, 3)), 1, "cross_entropy"
            ),
            None,
        ),
    ],
    ids=["vectors", "images", "words"],
)
def test_tasks_with_labels_adapt_each_by_itself(network, shape, random):
    """The first axis of labels (T, n) is the tasks: T different θ', each as if its task were alone."""
    main = network()
    x = torch.randint(9, (4, 5, 2), generator=random) if shape is None else torch.randn(4, 5, *shape, generator=random)
    support = Examples(x, torch.randint(3, (4, 5), generator=random))
    theta = main.initial_weights(rng=random)
    path = adapt(main, theta, support, 2, 0.5)
    assert path.final.shape == (4, main.weight_dim)
    for i in range(4):
        torch.testing.assert_close(path.final[i], adapt(main, theta, support.task(i), 2, 0.5).final)
    assert not torch.allclose(path.final[0], path.final[1])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.bool])
def test_labels_of_any_other_dtype_are_refused(dtype):
    with pytest.raises(ValueError, match=r"\(4, 5\).*int64"):
        Examples(torch.zeros(4, 5, 3), torch.zeros(4, 5, dtype=dtype))


@pytest.mark.parametrize(("n_x", "n_y"), [(10, 7), (7, 10), (10, 0), (1, 10)])
@pytest.mark.parametrize("lead", [(), (4,)])
def test_images_without_a_label_are_refused_with_both_shapes(lead, n_x, n_y):
    x, y = torch.zeros(*lead, n_x, 1, 6, 6), torch.zeros(*lead, n_y).long()
    with pytest.raises(ValueError, match="do not hold the same examples") as error:
        Examples(x, y)
    assert str(tuple(x.shape)) in str(error.value)
    assert str(tuple(y.shape)) in str(error.value)


def test_labels_as_vectors_with_a_single_one_are_refused_by_the_cross_entropy():
    main = MainNetwork.mlp([2, 3], loss="cross_entropy")
    examples = Examples(torch.zeros(4, 5, 2), torch.eye(3)[torch.zeros(4, 5).long()])
    with pytest.raises(ValueError, match=r"\(4, 5, 3\) has dtype torch.float32.*y.long\(\)"):
        adapt(main, torch.zeros(main.weight_dim), examples)


def test_numbers_of_words_and_classes_are_not_rounded_on_their_way_to_another_dtype():
    D = Examples(torch.tensor([[30_001], [777]]), torch.tensor([0, 301]))
    moved = D.to(torch.zeros(1, dtype=torch.bfloat16))
    assert torch.equal(moved.x, D.x)
    assert torch.equal(moved.y, D.y)


def test_several_tasks_may_be_named_in_a_tuple():
    examples = Examples(torch.arange(24.0).view(3, 2, 2, 2), torch.zeros(3, 2, 2, 1))
    assert torch.equal(examples.task((0, 1)).x, examples.task([0, 1]).x)


@pytest.mark.parametrize("index", [[0.5], torch.ones(4).bool(), [True]])
def test_what_names_no_example_gets_a_sentence(index):
    examples = Examples(torch.zeros(3, 5, 2), torch.zeros(3, 5, 1))
    with pytest.raises(ValueError, match=r"names no example: .* each of the 5"):
        examples.some(index)
    with pytest.raises(ValueError, match=r"names no task: .* each of the 3"):
        examples.task(index)
