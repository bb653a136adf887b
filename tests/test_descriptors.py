import numpy as np
import pytest
import torch

from hyperedu import (
    Examples,
    Hypernetwork,
    Learned,
    MainNetwork,
    Metadata,
    MLPGenerator,
    OneHot,
    SetEncoder,
    Sinusoids,
    SupportStatistics,
    adapt,
)

VALUES = torch.tensor([[1500.0, 39.0], [2500.0, torch.nan], [3500.0, 41.0]])
NAMES, UNITS = ["elevation", "latitude"], ["m", "°"]


def test_metadata_are_standardised_on_the_training_tasks(random):
    values = 1000 * torch.rand(200, 2, generator=random) + 500
    tau = Metadata.fit(values, NAMES, UNITS)(values)
    torch.testing.assert_close(tau.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(tau.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)


def test_whole_numbers_are_not_rounded_to():
    """Where the mean was taken for a whole number too, and the standard deviation for 0."""
    metadata = Metadata.fit(VALUES / 4096, NAMES, UNITS)
    expected = metadata(torch.tensor([[1.0, 2.0]]))
    for values in (torch.tensor([[1, 2]]), [[1, 2]], torch.tensor([[1, 2]]).numpy()):
        assert torch.equal(metadata(values), expected)


def test_a_missing_value_becomes_the_training_mean():
    metadata = Metadata.fit(VALUES, NAMES, UNITS)
    torch.testing.assert_close(metadata.mean, torch.tensor([2500.0, 40.0]))
    torch.testing.assert_close(metadata.std, torch.tensor([(2e6 / 3) ** 0.5, 1.0]))  # of the values that are known
    tau = metadata(VALUES)
    assert tau[1, 1] == 0
    assert torch.isfinite(tau).all()


def test_values_is_the_inverse(random):
    metadata = Metadata.fit(VALUES, NAMES, UNITS)
    tau = torch.randn(5, 2, generator=random)
    torch.testing.assert_close(metadata(metadata.values(tau)), tau)


def test_a_descriptor_says_in_words_what_it_says():
    metadata = Metadata.fit(VALUES, NAMES, UNITS)
    assert metadata.in_words(metadata(torch.tensor([3300.0, 39.4]))) == "elevation 3,300 m, latitude 39.40 °"
    one_hot = OneHot(["a", "b"])
    assert one_hot.in_words(one_hot(["b"])[0]) == "the task called b"


def test_one_hot_has_one_row_per_name():
    tau = OneHot(["a", "b", "c"])(["c", "a"])
    assert torch.equal(tau, torch.tensor([[0.0, 0, 1], [1, 0, 0]]))


def test_a_learned_code_is_a_row_of_the_table(random):
    """Lesson 04, equation 2."""
    names, main = OneHot(["a", "b", "c"]), MainNetwork.mlp([1, 4, 1])
    table, f = Learned(names.names, 2, random), MLPGenerator(2, main, rng=random)
    tau = names(["c", "a"])
    assert torch.equal(table(tau), table.table[[2, 0]])
    theta = Hypernetwork(main, f, table)(tau)
    torch.testing.assert_close(theta, f(table.table[[2, 0]]))
    theta.sum().backward()
    assert table.table.grad[[0, 2]].any()
    assert not table.table.grad[1].any(), "a task that is not in the batch keeps its row"
    assert table.in_words(table.table[1].detach() + 0.01) == "most like the task called b"
    assert not Hypernetwork(main, f).state_dict().keys() & {"encoder.table"}


def test_the_code_of_a_new_task_is_found_by_descent(random):
    """Lesson 04, equation 4."""
    main = MainNetwork.mlp([1, 8, 1], "tanh")
    f, D = MLPGenerator(2, main, rng=random), Sinusoids().train.sample(3, 5, 1, random).support
    e = torch.zeros(3, 2, requires_grad=True)
    loss = (main(f(e), D.x) - D.y).square().mean((-2, -1)).sum()  # written out, beside main.loss
    by_hand = e - 0.01 * torch.autograd.grad(loss, e)[0]
    before = [p.clone() for p in f.parameters()]
    path = adapt(main, torch.zeros(3, 2), D, 1, 0.01, through=f)
    torch.testing.assert_close(path.final, by_hand)
    assert all(torch.equal(p, q) for p, q in zip(f.parameters(), before, strict=True)), "f is frozen"
    assert (adapt(main, torch.zeros(3, 2), D, 20, 0.01, through=f).loss[-1] < path.loss[0]).all()


def test_statistics_of_a_support_set(random):
    tasks = Sinusoids().train
    few, many = tasks.sample(200, 5, 1, random).support, tasks.sample(200, 20, 1, random).support
    statistics = SupportStatistics.fit(few, many)
    assert statistics.metadata.names == [
        "number of examples", "mean y", "std of y", "lowest y", "highest y", "mean x", "std of x", "correlation of x and y",
    ]  # fmt: skip
    tau = statistics(few)
    assert tau.shape == (200, 8)
    both = torch.cat([tau, statistics(many)])
    torch.testing.assert_close(both.mean(0), torch.zeros(8), atol=1e-4, rtol=0)
    values, one = statistics.metadata.values(tau), few.task(0)
    torch.testing.assert_close(values[:, 1], few.y.mean((1, 2)), atol=1e-4, rtol=0)
    torch.testing.assert_close(values[:, 4], few.y.amax((1, 2)), atol=1e-4, rtol=0)
    r = torch.corrcoef(torch.cat([one.x, one.y], dim=-1).T)[0, 1]
    torch.testing.assert_close(values[0, 7], r, atol=1e-3, rtol=0)
    turned = few.some(range(len(few))[::-1])
    torch.testing.assert_close(statistics(turned), tau, atol=1e-4, rtol=0)
    assert statistics.in_words(tau[0]).startswith("number of examples 5")


def test_a_statistic_that_says_nothing_is_left_out_and_one_that_is_missing_is_the_mean(random):
    tasks = Sinusoids().train
    statistics = SupportStatistics.fit(tasks.sample(100, 5, 1, random).support)
    assert "number of examples" not in statistics.metadata.names
    single = statistics(tasks.sample(4, 1, 1, random).support)
    assert torch.isfinite(single).all()
    assert not single[:, statistics.metadata.names.index("correlation of x and y")].any()
    with pytest.raises(ValueError, match="at least one"):
        statistics(tasks.sample(4, 0, 1, random).support)


def test_statistics_of_several_inputs_and_outputs_have_numbers(random):
    D = Examples(torch.randn(50, 6, 2, generator=random), torch.randn(50, 6, 3, generator=random))
    names = SupportStatistics.fit(D).metadata.names
    assert {"mean y_2", "std of x_1", "correlation of x_0 and y_2"} <= set(names)
    assert len(names) == 4 * 3 + 2 * 2 + 2 * 3


def test_a_set_encoder_says_what_a_set_is_like(random):
    D = Sinusoids().train.sample(3, 5, 1, random).support
    encoder = SetEncoder(1, 1, 4, rng=random)
    assert "no names" in encoder.in_words(torch.zeros(4))
    encoder.remember(["a", "b", "c"], D)
    assert encoder.in_words(encoder(None, D)[1]) == "examples most like those of b"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: OneHot([]), ["at least one"]),
        (lambda: OneHot(["a", "a"]), ["no name twice"]),
        (lambda: OneHot(["a", "b"])(["z"]), ["z", "2 training tasks", "metadata"]),
        (lambda: Learned(["a", "b"], 3)(torch.zeros(2, 5)), ["2 rows", "5 numbers"]),
        (lambda: Metadata.fit(torch.zeros(3), NAMES, UNITS), ["(3,)", "2 properties"]),
        (lambda: Metadata.fit(torch.zeros(0, 2), NAMES, UNITS), ["(0, 2)"]),
        (lambda: Metadata.fit(torch.tensor([[1.0, 2.0], [3.0, 2.0]]), NAMES, UNITS), ["latitude", "same for every"]),
        (lambda: Metadata.fit(torch.tensor([[1.0, torch.nan], [3.0, torch.nan]]), NAMES, UNITS), ["latitude", "no value"]),
        (lambda: Metadata.fit(VALUES, NAMES, UNITS)(torch.zeros(4, 3)), ["(4, 3)", "2 properties"]),
        (lambda: Metadata.fit(VALUES, NAMES, UNITS)(torch.tensor([1.0, torch.inf])), ["infinite", "NaN"]),
        (
            lambda: SupportStatistics.fit(Examples(torch.zeros(3, 4, 1, dtype=torch.long), torch.zeros(3, 4, 1))),
            ["x of shape (3, 4, 1) holds indices"],
        ),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_statistics_do_not_depend_on_the_unit_of_y(random):
    D = Sinusoids().train.sample(30, 5, 1, random).support
    small = Examples(D.x, 1e-9 * D.y)
    torch.testing.assert_close(SupportStatistics.fit(small)(small), SupportStatistics.fit(D)(D), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("unit", "dtype"), [(1e20, torch.float32), (1e-21, torch.float32), (1e3, torch.float16)])
def test_a_property_whose_squares_cannot_be_kept_is_refused(unit, dtype):
    values = unit * torch.tensor([[1.0], [2.0], [5.0]])
    with pytest.raises(ValueError, match=r"'mass'.*another unit"):
        Metadata.fit(values.to(dtype), ["mass"], ["kg"])
    tau = Metadata.fit(values.double(), ["mass"], ["kg"])(values)
    torch.testing.assert_close(tau.std(correction=0), torch.tensor(1.0))


def test_a_property_may_be_true_or_false():
    metadata = Metadata.fit(torch.tensor([[True], [False]]), ["wet"], [""])
    assert metadata(torch.tensor([[True], [False]])).tolist() == [[1], [-1]]


def test_a_small_property_is_said_with_the_digits_that_it_has():
    metadata = Metadata(["size"], ["m"], torch.tensor([2e-5]), torch.tensor([2e-6]))
    assert metadata.in_words(torch.tensor([1.0])) == "size 0.000022 m"


def test_statistics_of_another_number_of_x_or_y_are_refused(random):
    def batch(d_in, d_out):
        x = torch.randn(20, 6, d_in, generator=random)
        return Examples(x, x.sum(-1, keepdim=True).repeat(1, 1, d_out) + torch.randn(20, 1, 1, generator=random))

    statistics = SupportStatistics.fit(batch(2, 1))
    for other in (batch(3, 1), batch(2, 2)):
        for use in (statistics, lambda D: SupportStatistics.fit(batch(2, 1), D)):
            with pytest.raises(ValueError, match="give as many x and y as then"):
                use(other)
    for none in ((), (batch(2, 1).task(0),)):
        with pytest.raises(ValueError, match="batches of training tasks"):
            SupportStatistics.fit(*none)


def test_names_and_values_may_be_arrays():
    assert OneHot(np.array(["a", "b"]))(np.array(["b"])).tolist() == [[0, 1]]
    assert torch.equal(Metadata.fit(VALUES.numpy(), NAMES, UNITS).mean, Metadata.fit(VALUES, NAMES, UNITS).mean)


@pytest.mark.parametrize(("names", "units"), [(["a", "a"], UNITS), (NAMES, ["m"])])
def test_each_property_has_a_name_and_a_unit(names, units):
    with pytest.raises(ValueError, match="name of its own and a unit"):
        Metadata.fit(VALUES, names, units)
