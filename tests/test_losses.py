"""L, one number per task: against sums written out, torch's own losses one task at a time, and finite differences."""

import copy
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from hyperedu import Examples, MainNetwork, accuracy, cross_entropy, squared_error
from hyperedu.losses import LOSSES, per_task

LEADS = [(), (1,), (4,), (2, 3)]


def drawn(lead, n, d, classes=None, seed=0):
    """A prediction (…, n, d), and y like it or labels (…, n), in float64."""
    random = torch.Generator().manual_seed(seed)
    prediction = torch.randn(*lead, n, d, generator=random, dtype=torch.float64)
    if classes is not None:
        return prediction, torch.randint(classes, (*lead, n), generator=random)
    return prediction, torch.randn(*lead, n, d, generator=random, dtype=torch.float64)


def by_loop(function, prediction, y):
    """A loss for one task, task by task."""
    lead = prediction.shape[:-2]
    tasks = zip(prediction.reshape(-1, *prediction.shape[-2:]), y.reshape(lead.numel(), *y.shape[len(lead) :]), strict=True)
    return torch.stack([function(p, t) for p, t in tasks]).reshape(lead)


@pytest.mark.parametrize("lead", LEADS)
def test_the_squared_error_is_the_mean_over_examples_and_outputs(lead):
    """(1 / (n d)) Σ (prediction − y)², with n = 5 and d = 3 so that no other mean and no sum agrees."""
    prediction, y = drawn(lead, 5, 3)
    expected = by_loop(lambda p, t: sum((p[i, k] - t[i, k]) ** 2 for i in range(5) for k in range(3)) / 15, prediction, y)
    found = squared_error(prediction, y)
    assert found.shape == lead
    torch.testing.assert_close(found, expected)


def test_the_squared_error_of_known_numbers():
    assert squared_error(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 4.0]])).item() == 13 / 4


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(("n", "classes"), [(7, 3), (3, 7), (4, 4), (1, 2), (5, 1)])
def test_the_cross_entropy_is_that_of_torch_task_by_task(lead, n, classes):
    logits, y = drawn(lead, n, classes, classes)
    found = cross_entropy(logits, y)
    assert found.shape == lead
    torch.testing.assert_close(found, by_loop(F.cross_entropy, logits, y))


def test_the_cross_entropy_is_in_nats():
    assert cross_entropy(torch.zeros(4, 10), torch.tensor([0, 9, 3, 3])).item() == pytest.approx(math.log(10))


def test_the_cross_entropy_of_sure_logits_is_finite():
    """log softmax, not the logarithm of a softmax that is zero."""
    assert cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([1])).item() == 1e4
    assert cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([0])).item() == 0


def test_the_gradient_of_the_cross_entropy_is_softmax_minus_the_class():
    logits, y = drawn((2,), 5, 3, 3)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(logits, y).sum(), logits)
    torch.testing.assert_close(gradient, (logits.softmax(-1) - F.one_hot(y, 3)) / 5)
    assert torch.autograd.gradgradcheck(lambda z: cross_entropy(z, y), logits)


@pytest.mark.parametrize("lead", LEADS)
def test_accuracy_is_the_share_of_examples_whose_class_has_the_largest_logit(lead):
    logits, y = drawn(lead, 7, 3, 3)
    expected = by_loop(
        lambda p, t: torch.tensor(sum(max(range(3), key=p[i].__getitem__) == int(t[i]) for i in range(7)) / 7), logits, y
    )
    found = accuracy(logits, y)
    assert found.shape == lead
    torch.testing.assert_close(found, expected.double())


def test_accuracy_of_known_numbers():
    logits = torch.tensor([[3.0, 1.0], [0.0, 1.0], [2.0, 1.0], [1.0, -1.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1, 0])).item() == 0.75
    assert accuracy(logits, torch.tensor([1, 0, 1, 1])).item() == 0
    assert accuracy(logits.half(), torch.tensor([0, 1, 0, 0])).dtype == torch.float16


def test_what_is_not_a_number_is_no_right_answer():
    prediction = torch.tensor([[[1.0, 0.0], [torch.nan, 0.0], [torch.nan, torch.nan], [0.0, 1.0]]])
    assert accuracy(prediction, torch.tensor([[0, 0, 0, 1]])).tolist() == [0.5]


@pytest.mark.parametrize("function", [cross_entropy, accuracy])
def test_the_highest_class_is_one_less_than_the_number_of_logits(function):
    function(torch.zeros(2, 3), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match=r"y has classes from 0 to 3, but a prediction of shape .* tells 3 apart, 0 to 2"):
        function(torch.zeros(2, 3), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="y has classes from -1 to 2"):
        function(torch.zeros(2, 3), torch.tensor([2, -1]))


@pytest.mark.parametrize("function", [cross_entropy, accuracy])
def test_labels_without_values_are_not_looked_at(function):
    """On the meta device and inside vmap."""
    assert function(torch.zeros(4, 5, 3, device="meta"), torch.zeros(4, 5, device="meta").long()).is_meta
    logits, y = drawn((4,), 5, 3, 3)
    torch.testing.assert_close(torch.func.vmap(function)(logits, y), function(logits, y))


# Losses of one's own

LOSSES_OF_ONE_TASK = {
    "l1_loss": (F.l1_loss, None),
    "HuberLoss": (nn.HuberLoss(delta=0.5), None),
    "cross_entropy of torch": (F.cross_entropy, 3),
    "cross_entropy with smoothed labels": (nn.CrossEntropyLoss(label_smoothing=0.1, weight=torch.ones(3).double()), 3),
    "the largest error": (lambda p, y: (p - y).abs().amax(), None),
    "a sum": (lambda p, y: (p - y).square().sum(), None),
    "Gaussian, whose function looks at its values": (
        lambda p, y: F.gaussian_nll_loss(p[:, :1], y[:, :1], p[:, 1:2].exp()),
        None,
    ),
    "only where y is positive": (lambda p, y: (p - y)[y > 0].square().sum(), None),
    "with a branch": (lambda p, y: p.sum() if p[0, 0].item() > 0 else y.sum() + 0 * p.sum(), None),
}


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("n", [5, 3])  # 3: as many examples as classes
@pytest.mark.parametrize("name", LOSSES_OF_ONE_TASK)
def test_a_loss_of_one_task_serves_a_batch(name, n, lead):
    function, classes = LOSSES_OF_ONE_TASK[name]
    prediction, y = drawn(lead, n, 3, classes)
    prediction.requires_grad_()
    found, expected = per_task(function)(prediction, y), by_loop(function, prediction, y)
    assert found.shape == lead
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss.sum(), prediction)[0] for loss in (found, expected)))


def test_chance_in_a_loss_is_different_for_each_task():
    torch.manual_seed(0)
    noisy = per_task(lambda p, y: (p + torch.rand(())).mean())
    assert len(noisy(torch.zeros(4, 5, 1), torch.zeros(4, 5, 1)).unique()) == 4


def test_a_loss_that_fails_says_on_what():
    def broken(prediction, y):
        raise RuntimeError("no such thing")

    for lead in ((), (4,)):
        with pytest.raises(
            ValueError, match=r"broken cannot take a prediction of shape \(5, 2\) and y of shape \(5, 1\)"
        ) as error:
            per_task(broken)(torch.zeros(*lead, 5, 2), torch.zeros(*lead, 5, 1))
        assert "no such thing" in str(error.value)


@given(
    lead=st.lists(st.integers(1, 3), max_size=2),
    n=st.integers(1, 4),
    d=st.integers(1, 4),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 99),
)
def test_a_loss_of_a_batch_is_a_loop_for_all_shapes(lead, n, d, dtype, seed):
    lead = tuple(lead)
    prediction, y = (value.to(dtype) for value in drawn(lead, n, d, seed=seed))
    labels = drawn(lead, n, d, d, seed=seed)[1]
    for function, single, target in [
        (squared_error, F.mse_loss, y),
        (per_task(F.smooth_l1_loss), F.smooth_l1_loss, y),
        (cross_entropy, F.cross_entropy, labels),
        (accuracy, lambda p, t: (p.argmax(-1) == t).to(dtype).mean(), labels),
    ]:
        found = function(prediction, target)
        assert (found.shape, found.dtype) == (lead, dtype)
        torch.testing.assert_close(found, by_loop(single, prediction, target))


# The loss belongs to the main network


def test_the_names_are_the_losses():
    assert dict(LOSSES) == {"squared_error": squared_error, "cross_entropy": cross_entropy}


def make(kind: str, **settings) -> MainNetwork:
    if kind == "mlp":
        return MainNetwork.mlp([2, 4, 3], **settings)
    return MainNetwork.from_module(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)), **settings)


@pytest.mark.parametrize("kind", ["mlp", "module"])
def test_a_main_network_measures_with_the_loss_it_was_made_with(kind, random):
    x, numbers, labels = torch.randn(4, 5, 2, generator=random), torch.randn(4, 5, 3, generator=random), torch.ones(4, 5).long()
    for settings, y, expected in [
        ({}, numbers, squared_error),
        ({"loss": "squared_error"}, numbers, squared_error),
        ({"loss": "cross_entropy"}, labels, cross_entropy),
        ({"loss": F.l1_loss}, numbers, lambda p, t: (p - t).abs().mean((-2, -1))),
        ({"loss": nn.CrossEntropyLoss()}, labels, cross_entropy),
    ]:
        main = make(kind, **settings)
        assert main.loss_kind == settings.get("loss", "squared_error")
        theta = main.initial_weights(4, rng=random)
        found = main.loss(theta, Examples(x, y))
        torch.testing.assert_close(found, expected(main(theta, x), y))
        torch.testing.assert_close(main.loss_of(main.predict(theta, Examples(x, y)), Examples(x, y)), found)


@pytest.mark.parametrize(
    ("theta_lead", "lead"), [((), ()), ((6,), ()), ((), (4,)), ((4,), (4,)), ((6, 1), (4,)), ((6, 4), (4,)), ((2, 6), ())]
)
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", F.mse_loss, F.cross_entropy])
def test_many_weights_on_the_same_examples_have_a_loss_each(loss, theta_lead, lead, random):
    main = make("mlp", loss=loss)
    with_classes = loss in ("cross_entropy", F.cross_entropy)
    x = torch.randn(*lead, 5, 2, generator=random)
    y = torch.randint(3, (*lead, 5), generator=random) if with_classes else torch.randn(*lead, 5, 3, generator=random)
    theta = torch.randn(*theta_lead, main.weight_dim, generator=random)
    found = main.loss(theta, Examples(x, y))
    both = torch.broadcast_shapes(theta_lead, lead)
    assert found.shape == both
    thetas, index = theta.expand(*both, -1), torch.arange(torch.Size(lead).numel()).reshape(lead).expand(both)
    flat = Examples(x.reshape(-1, 5, 2), y.reshape(-1, *y.shape[len(lead) :]))
    for at in itertools.product(*map(range, both)):
        one = main.loss(thetas[at], flat.task(index[at].item()))
        torch.testing.assert_close(found[at], one)


def test_a_loss_inside_vmap_is_the_same(random):
    """As in a gradient for each task by torch.func."""
    main = make("mlp", loss="cross_entropy")
    theta = main.initial_weights(4, rng=random)
    examples = Examples(torch.randn(4, 5, 2, generator=random), torch.randint(3, (4, 5), generator=random))
    gradients = torch.func.vmap(torch.func.grad(lambda t, x, y: main.loss(t, Examples(x, y))))(theta, examples.x, examples.y)
    theta.requires_grad_()
    torch.testing.assert_close(gradients, torch.autograd.grad(main.loss(theta, examples).sum(), theta)[0])


def test_a_copy_of_a_main_network_has_its_own_copy_of_a_loss_that_is_a_module():
    weight = torch.tensor([1.0, 0.0])
    main = MainNetwork.mlp([2, 2], loss=nn.CrossEntropyLoss(weight=weight))
    other = copy.deepcopy(main)
    D, theta = Examples(torch.zeros(2, 2), torch.tensor([0, 1])), torch.tensor([0.0, 0, 0, 0, 2, 0])
    before = main.loss(theta, D)
    other.loss_kind.weight.copy_(torch.tensor([0.0, 1.0]))
    assert torch.equal(main.loss(theta, D), before)
    torch.testing.assert_close(other.loss(theta, D), before + 2)


@pytest.mark.parametrize("lead", [(), (3,)])
def test_a_loss_may_write_into_what_it_is_given(lead):
    def writing(prediction, y):
        return prediction.neg_().add_(y.sub_(1.0)).square().mean()

    prediction, y = torch.ones(*lead, 5, 1), torch.full((*lead, 5, 1), 3.0)
    for _ in range(2):
        torch.testing.assert_close(per_task(writing)(prediction, y), torch.ones(lead))
    assert (prediction.unique().item(), y.unique().item()) == (1.0, 3.0)
