import pytest
import torch

from hyperedu import Metadata, OneHot

VALUES = torch.tensor([[1500.0, 39.0], [2500.0, torch.nan], [3500.0, 41.0]])
NAMES, UNITS = ["elevation", "latitude"], ["m", "°"]


def test_metadata_are_standardised_on_the_training_tasks(random):
    values = 1000 * torch.rand(200, 2, generator=random) + 500
    tau = Metadata.fit(values, NAMES, UNITS)(values)
    torch.testing.assert_close(tau.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(tau.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)


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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: OneHot([]), ["at least one"]),
        (lambda: OneHot(["a", "a"]), ["no name twice"]),
        (lambda: OneHot(["a", "b"])(["z"]), ["z", "2 training tasks", "metadata"]),
        (lambda: Metadata.fit(torch.zeros(3), NAMES, UNITS), ["(3,)", "2 properties"]),
        (lambda: Metadata.fit(torch.zeros(0, 2), NAMES, UNITS), ["(0, 2)"]),
        (lambda: Metadata.fit(torch.tensor([[1.0, 2.0], [3.0, 2.0]]), NAMES, UNITS), ["latitude", "same for every"]),
        (lambda: Metadata.fit(torch.tensor([[1.0, torch.nan], [3.0, torch.nan]]), NAMES, UNITS), ["latitude", "no value"]),
        (lambda: Metadata.fit(VALUES, NAMES, UNITS)(torch.zeros(4, 3)), ["(4, 3)", "2 properties"]),
        (lambda: Metadata.fit(VALUES, NAMES, UNITS)(torch.tensor([1.0, torch.inf])), ["infinite", "NaN"]),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call()
    assert all(word in str(error.value) for word in words), str(error.value)
