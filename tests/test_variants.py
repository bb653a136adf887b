"""The numbers of exercises that are drawn from a key: those of the text without one, and with each the same check."""

import hashlib
import importlib

import pytest
import torch

import editions
from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator
from hyperedu.lessons import feedback, variants
from saying import NOT_YET, RIGHT, UNANSWERED

KEYS = [variants.key_of(hashlib.sha256(bytes([n])).digest()) for n in range(200)]


def checks_of(lesson):
    return importlib.import_module(f"hyperedu.lessons.{lesson}.checks")


KEYED = {
    f"{lesson}.{name}": check
    for lesson in editions.LESSONS
    for name, check in vars(checks_of(lesson)).items()
    if isinstance(check, variants.Keyed)
}
SOLVED = {name: check for name, check in KEYED.items() if issubclass(check.instance, variants.Solved)}


def leaf(x):
    return torch.tensor(float(x), dtype=torch.float64, requires_grad=True)


def meta_gradient(one):
    """By autograd, through the step."""
    start = leaf(one.theta_0)
    (step,) = torch.autograd.grad(one.h * start**2 / 2, start, create_graph=True)
    (gradient,) = torch.autograd.grad((start - one.alpha * step - one.c) ** 2 / 2, start)
    return gradient


def lapse(two):
    """Metre by metre."""
    degrees = two.celsius
    for _metre in range(round(two.high - two.low)):
        degrees -= 6.5 / 1000
    return degrees


def weight_count(sizes):
    return torch.nn.utils.parameters_to_vector(
        torch.nn.Sequential(torch.nn.Linear(sizes.a, sizes.b), torch.nn.Linear(sizes.b, sizes.c)).parameters()
    ).numel()


def head_gradient(two):
    V = torch.zeros(2, 2, requires_grad=True)
    (V @ torch.tensor(two.h)).backward(torch.tensor(two.slope))
    return V.grad


def best_piece(pieces):
    """The best of all whole lengths."""
    C = torch.arange(1, 20_000, dtype=torch.float64)
    return C[(pieces.d * pieces.P / C + (pieces.H + 1) * C).argmin()].item()


def examples_needed(spread):
    """By counting examples until their mean errs little enough."""
    n = 1
    while spread.sigma / n**0.5 > spread.error * (1 + 1e-9):
        n += 1
    return n


def best_start(two):
    """By Newton's step on the sum of the losses after one step of adaptation, which is quadratic."""
    start, total = leaf(0), 0.0
    for c, h in ((two.c, two.h_1), (0.0, two.h_2)):
        (step,) = torch.autograd.grad(h * (start - c) ** 2 / 2, start, create_graph=True)
        total = total + (start - two.alpha * step - c) ** 2
    (slope,) = torch.autograd.grad(total, start, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, start)
    return -slope / curvature


def step_size(two):
    """By least squares: of all α the one that leaves the least variance."""
    alpha = leaf(0)
    variance = (1 - alpha) ** 2 * two.s**2 + alpha**2 * sum((two.sigma / two.n) ** 2 for _example in range(two.n))
    (slope,) = torch.autograd.grad(variance, alpha, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, alpha)
    return -slope / curvature


def linear_sensitivity(linear):
    V = torch.tensor(linear.V)
    jacobian = torch.autograd.functional.jacobian(lambda tau: V @ tau, torch.ones(2))
    return jacobian.square().sum() / 2


def probability(two):
    """By squared distances."""
    away = [torch.tensor(c).sub(torch.tensor(two.h)).square().sum() for c in (two.c_1, two.c_2)]
    return torch.stack(away).neg().softmax(0)[0]


def one_round(one):
    """Half of the gradients of both losses, taken with respect to φ."""
    phi = leaf(1)
    losses = (phi * one.tau_1 - one.a) ** 2 / 2, (phi * one.tau_2) ** 2 / 2
    return phi - one.alpha * sum(torch.autograd.grad(loss, phi)[0] for loss in losses) / 2


def tau(heights):
    train = torch.tensor(heights.train, dtype=torch.float64)
    return (heights.new - train.mean()) / train.std(correction=0)


# The right answers, each by another way than that of the check.
INDEPENDENT = {
    "start_here.lapse": lapse,
    "everything_is_a_mapping.weight_count": weight_count,
    "training_a_hypernetwork.head_gradient": head_gradient,
    "generator_designs.best_piece": best_piece,
    "task_descriptors.examples_needed": examples_needed,
    "learning_to_learn.best_start": best_start,
    "maml.meta_gradient": meta_gradient,
    "hypernetworks_meet_maml.step_size": step_size,
    "regularization.linear_sensitivity": linear_sensitivity,
    "few_shot_characters.probability": probability,
    "beyond.one_round": one_round,
    "your_own_data.tau": tau,
}
# What the texts say.
TEXTS = {
    "start_here.lapse": ("at 1,500 m", "23 °C", "for 3,500 m"),
    "start_here.summit": ("4,401 m", "39.1° N", "106.4° W"),
    "start_here.raw_descriptor": ("2000.0, 38.0, -107.5", "2,000 m"),
    "everything_is_a_mapping.weight_count": ("[2, 5, 3]",),
    "training_a_hypernetwork.head_gradient": ("h = (2, 3)", "(0.5, -1)"),
    "generator_designs.best_piece": ("P = 10^6", "64 units", "16 numbers"),
    "task_descriptors.examples_needed": (r"\sigma = 2", "of 0.25?"),
    "learning_to_learn.best_start": ("c = 4$ with $h = 1", "c = 0$ with $h = 1.5", r"\alpha = 0.5"),
    "maml.meta_gradient": ("h = 2", "c' = -0.4", r"\theta_0 = 2", r"\alpha = 0.3"),
    "hypernetworks_meet_maml.step_size": ("s = 1", "n = 12", r"\sigma = 2"),
    "regularization.linear_sensitivity": (r"1 & 2 \\ 0 & 1",),
    "few_shot_characters.probability": ("c_1 = (1, 0)", "c_2 = (0, 2)", "h(x) = (1, 1)"),
    "beyond.one_round": (r"\tau = 1$ and $2", r"(\theta_1 - 3)^2", r"\alpha = 0.1"),
    "your_own_data.tau": ("100, 200 and 600 m", "500 m"),
}
every_solved = pytest.mark.parametrize("name", SOLVED)


@pytest.fixture(params=[False, True], ids=["typed", "in the environment"])
def give(request, monkeypatch):
    """Gives a key to this process, in one of the two ways."""
    monkeypatch.delenv(variants.GRADED, raising=False)

    def give(key):
        if request.param:
            monkeypatch.setenv(variants.KEY, key)
        else:
            monkeypatch.setattr(variants, "key", key)

    return give


def test_each_has_a_right_answer_found_in_another_way():
    assert set(INDEPENDENT) == set(SOLVED)
    assert set(TEXTS) == set(KEYED)


@pytest.mark.parametrize("name", KEYED)
def test_without_a_key_the_numbers_are_those_of_the_text(name):
    lesson, check = name.split(".")
    cells = editions.cells(lesson)
    (n,) = [cell.id[len("exercise-")] for cell in cells if cell.id.endswith("-answer") and f"checks.{check}(" in cell.source]
    (text,) = ["\n".join(cell.source for cell in cells if cell.id in (f"exercise-{n}", f"exercise-{n}-given"))]
    for number in TEXTS[name]:
        assert number in text, number
    assert KEYED[name].instance.of("") == KEYED[name].instance()


@every_solved
def test_the_right_answer_is_taken_and_each_mistake_is_told_as_that_mistake(name, capsys, monkeypatch):
    monkeypatch.delenv(variants.GRADED, raising=False)
    for key in KEYS:
        monkeypatch.setattr(variants, "key", key)
        one = SOLVED[name].instance.of(key)
        found = feedback.result(SOLVED[name], INDEPENDENT[name](one))
        assert found.said.startswith(RIGHT), one
        told = one.told()
        assert len(told) == len(one.mistakes()) + (one != type(one)())
        for said, answers in told.items():
            for answer in feedback.each(answers):
                assert feedback.result(SOLVED[name], answer).said == f"{NOT_YET} {said}", one
        assert str(one) in capsys.readouterr().out


@every_solved
def test_the_text_has_its_own_right_answer(name):
    one = SOLVED[name].instance()
    assert feedback.result(SOLVED[name], INDEPENDENT[name](one)).right


def test_a_place_of_ones_own_is_asked_for(monkeypatch, capsys):
    """Lesson 00's two exercises with a place: one that no station reaches, and one among them."""
    monkeypatch.delenv(variants.GRADED, raising=False)
    family = ColoradoClimate()
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    learner = Hypernetwork(main, MLPGenerator(3, main, rng=torch.Generator().manual_seed(0)))
    summit, raw = (KEYED[f"start_here.{name}"] for name in ("summit", "raw_descriptor"))
    highest = family.stations["elevation"].max()
    for key in KEYS[:20]:
        monkeypatch.setattr(variants, "key", key)
        one, place = summit.instance.of(key), raw.instance.of(key)
        assert one.elevation > highest > place.elevation

        def july(there, month=6, west=-1):
            theta = learner.generator(family.describe(there.elevation, there.north, west * there.west))
            return main(theta, family.x([month])).item()

        assert feedback.result(summit, july(one), learner, family).right
        for answer, words in ((july(one, 7), "That is August"), (july(one, west=1), "a place in China"),
                              (july(summit.instance()), "for the numbers of the text")):  # fmt: skip
            assert words in feedback.result(summit, answer, learner, family).said
        for there, words in ((place, RIGHT), (raw.instance(), "for the numbers of the text")):
            tau = family.describe(there.elevation, there.north, -there.west)
            assert words in feedback.result(raw, tau, family).said
    capsys.readouterr()


@pytest.mark.parametrize("name", KEYED)
def test_others_have_other_numbers(name):
    numbers = {str(KEYED[name].instance.of(key)) for key in KEYS}
    assert len(numbers) >= 30


@every_solved
def test_few_have_the_same_answer(name):
    answers = [str(torch.as_tensor(SOLVED[name].instance.of(key).right).tolist()) for key in KEYS]
    assert max(map(answers.count, answers)) <= len(KEYS) / 4


def test_a_key_gives_the_same_numbers_on_every_machine():
    assert (KEYS[0], KEYS[1]) == ("ny2axhho", "jp2relz3")
    assert str(SOLVED["maml.meta_gradient"].instance.of(KEYS[0])) == "h = 3, c' = −0.5, θ₀ = 3, α = 0.1"


def test_a_student_reads_their_own_numbers_and_a_learner_without_a_key_nothing_more(give, capsys):
    check = SOLVED["maml.meta_gradient"]
    check(...)
    assert capsys.readouterr().out.startswith(UNANSWERED)
    give(KEYS[0].upper() + " ")
    check(...)
    said = capsys.readouterr().out
    assert said.startswith(f"For you: {check.instance.of(KEYS[0])}. These take the place")
    assert UNANSWERED in said
    check(0.48)
    assert "That is right for the numbers of the text; yours are these: " in capsys.readouterr().out


def test_a_mistyped_key_is_known(give, capsys):
    for wrong in (KEYS[0][:-1] + "7", KEYS[0][1:], "7" + KEYS[0][1:], "key"):
        give(wrong)
        SOLVED["maml.meta_gradient"](0.48)
        assert f"{NOT_YET} {wrong} is no key" in capsys.readouterr().out


def test_where_notebooks_are_graded_the_key_is_the_students_own(give, capsys, monkeypatch):
    check, (mine, others) = SOLVED["maml.meta_gradient"], KEYS[:2]
    monkeypatch.setenv(variants.GRADED, mine)
    for typed, owner, begins in ((mine, mine, RIGHT), ("", mine, RIGHT), ("", others, NOT_YET), (others, others, NOT_YET),
                                 (others, mine, NOT_YET)):  # fmt: skip
        give(typed)
        found = feedback.result(check, check.instance.of(owner).right)
        assert found.said.startswith(begins)
        assert ("is another's" in found.said) == (typed == others)
    capsys.readouterr()
