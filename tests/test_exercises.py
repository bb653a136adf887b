"""Each check knows the right answer, and names the misconception behind every wrong one that it knows."""

import pytest
import torch

from hyperedu import (
    ColoradoClimate,
    Examples,
    Generator,
    Hypernetwork,
    JointEncoder,
    Learner,
    MainNetwork,
    MLPGenerator,
    SetEncoder,
    adapt,
    outer_loss,
)
from hyperedu.lessons.everything_is_a_mapping import checks as lesson_01
from hyperedu.lessons.generator_designs import checks as lesson_03
from hyperedu.lessons.hypernetworks_meet_maml import checks as lesson_07
from hyperedu.lessons.learning_to_learn import checks as lesson_05
from hyperedu.lessons.maml import checks as lesson_06
from hyperedu.lessons.regularization import checks as lesson_08
from hyperedu.lessons.start_here import checks as lesson_00
from hyperedu.lessons.task_descriptors import checks as lesson_04
from hyperedu.lessons.training_a_hypernetwork import checks as lesson_02

NOT_YET, RIGHT, UNANSWERED = "✗ Not yet.", "✓ Right.", "○ Not answered yet"


@pytest.fixture(scope="module")
def climate():
    """A learner on the stations; what it was trained to does not matter here."""
    family = ColoradoClimate()
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    return Hypernetwork(main, MLPGenerator(3, main, rng=torch.Generator().manual_seed(0))), family


@pytest.fixture
def says(capsys):
    """What a check prints about an answer."""

    def says(check, *arguments):
        check(*arguments)
        return capsys.readouterr().out

    return says


@pytest.mark.parametrize(
    ("check", "needs_climate"),
    [
        (lesson_00.weight_count, 0),
        (lesson_00.summit, 2),
        (lesson_00.raw_descriptor, 1),
        (lesson_01.weight_count, 0),
        (lesson_01.relu_network, 0),
        (lesson_01.cut, 0),
        (lesson_02.head_gradient, 0),
        (lesson_02.guard, 0),
        (lesson_02.fresh_weights, 0),
        (lesson_03.chunk_parameters, 0),
        (lesson_03.film, 0),
        (lesson_03.embeddings, 0),
        (lesson_04.table_size, 0),
        (lesson_04.describer, 0),
        (lesson_04.honest_split, 0),
        (lesson_05.best_start, 0),
        (lesson_05.gap, 0),
        (lesson_05.honest, 0),
        (lesson_06.meta_gradient, 0),
        (lesson_06.head_only, 0),
        (lesson_06.second_order, 0),
        (lesson_07.step_size, 0),
        (lesson_07.reader, 0),
        (lesson_07.misdescribed, 0),
        (lesson_08.linear_sensitivity, 0),
        (lesson_08.finite_difference, 0),
        (lesson_08.keeper, 0),
    ],
)
def test_an_exercise_not_yet_answered_is_no_error(says, climate, check, needs_climate):
    assert says(check, ..., *climate[2 - needs_climate :]).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (lesson_00.weight_count, (2 * 16 + 16) + (16 * 16 + 16) + (16 + 1), RIGHT),
        (lesson_00.weight_count, 2 * 16 + 16 * 16 + 16, "not the biases"),
        (lesson_00.weight_count, 16 + 16 + 1, "biases alone"),
        (lesson_00.weight_count, 2 + 16 + 16 + 1, "number of units"),
        (lesson_00.weight_count, 337 - 16, "length 16 is missing"),
        (lesson_00.weight_count, 1185, "here there are 16"),
        (lesson_00.weight_count, 1000, "three layers"),
        (lesson_00.weight_count, "many", "A number is asked for, this is str"),
        (lesson_00.weight_count, torch.tensor([337.0, 0.0]), ".item()"),
        (lesson_01.weight_count, MainNetwork.mlp([2, 5, 3]).weight_dim, RIGHT),
        (lesson_01.weight_count, 2 * 5 + 5 * 3, "but not the biases"),
        (lesson_01.weight_count, 2 * 5 * 3, "counts paths"),
        (lesson_01.weight_count, 25 + 11, "The 2 inputs have no biases"),
        (lesson_01.weight_count, 25 + 3, "The 5 biases"),
        (lesson_01.weight_count, 31, "5 and 3 of them"),
        (lesson_01.weight_count, 7, "add up the two layers"),
        (lesson_04.table_size, 200 * 4 + 4 * 64 + 64, RIGHT),
        (lesson_04.table_size, 200 * 64 + 64, "without a table"),
        (lesson_04.table_size, 200 * 4, "table alone"),
        (lesson_04.table_size, 200 * 4 + 4 * 64, "biases are missing"),
        (lesson_04.table_size, 4 * 64 + 64, "layer alone"),
        (lesson_04.table_size, 200 * 4 + 200 * 64 + 64, "not the one-hot vector"),
        (lesson_04.table_size, 7, "Add the table"),
        (lesson_05.best_start, 0.5**2 * 4 / (0.5**2 + 0.25**2), RIGHT),
        (lesson_05.best_start, 0.25**2 * 4 / (0.5**2 + 0.25**2), "wrong way round"),
        (lesson_05.best_start, 4 * 1 / (1 + 1.5), "as shared weights do"),
        (lesson_05.best_start, 2.0, "middle is right"),
        (lesson_05.best_start, 0.5 * 4 / (0.5 + 0.25), "enters squared"),
        (lesson_05.best_start, 0.5**2 * 4 / (0.5**2 + 1.5 * 0.25**2), "no h in front"),
        (lesson_05.best_start, 99, "Minimise the sum"),
        (lesson_06.meta_gradient, (1 - 0.3 * 2) * (2 - 0.3 * 2 * 2 + 0.4), RIGHT),
        (lesson_06.meta_gradient, 2 - 0.3 * 2 * 2 + 0.4, "first-order"),
        (lesson_06.meta_gradient, 1 - 0.3 * 2, "factor 1 − α h alone"),
        (lesson_06.meta_gradient, (1 + 0.3 * 2) * 1.2, "the sign is minus"),
        (lesson_06.meta_gradient, 2 * 0.4 * 1.2, "without a 2"),
        (lesson_06.meta_gradient, (1 - 0.3 * 2) * (2 + 0.4), "pulls at θ', not at θ₀"),
        (lesson_06.meta_gradient, 7, "θ' = θ₀ − α h θ₀"),
        (lesson_07.step_size, 1**2 / (1**2 + 2**2 / 12), RIGHT),
        (lesson_07.step_size, 1 - 0.75, "the share of the description"),
        (lesson_07.step_size, 1**2 / (1**2 + 2**2), "surer than one reading"),
        (lesson_07.step_size, 2**2 / 12, "variance of the mean"),
        (lesson_07.step_size, 12 / 2**2 / 1, "how much surer"),
        (lesson_07.step_size, 7, "σ² = 4 and n = 12"),
        (lesson_07.step_size, 6 / 7, "you took 2 for σ²"),
        (lesson_08.linear_sensitivity, torch.tensor([[1.0, 2.0], [0.0, 1.0]]).square().sum() / 2, RIGHT),
        (lesson_08.linear_sensitivity, 6, "divides by P, the number of weights"),
        (lesson_08.linear_sensitivity, 6 / 4, "all four entries"),
        (lesson_08.linear_sensitivity, 6**0.5, "That is the norm"),
        (lesson_08.linear_sensitivity, 6**0.5 / 2, "enters squared"),
        (lesson_08.linear_sensitivity, torch.linalg.matrix_norm(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), 2) ** 2, "(3)"),
        (lesson_08.linear_sensitivity, (3 + 8**0.5) / 2, "largest singular value alone"),
        (lesson_08.linear_sensitivity, 4, "adds the entries up"),
        (lesson_08.linear_sensitivity, 4 / 2, "adds the entries up"),
        (lesson_08.linear_sensitivity, 7, "the Jacobian is V"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


@pytest.mark.parametrize(
    ("place", "month", "words"),
    [
        ((4401.0, 39.1, -106.4), 6, RIGHT),
        ((4401.0, 39.1, 106.4), 6, "China"),
        ((4401.0, 39.1, -106.4), 7, "August"),
        ((4401.0, -106.4, 39.1), 6, "changed places"),
        ((1000.0, 39.1, -106.4), 6, "order of work"),
    ],
)
def test_the_summit(says, climate, place, month, words):
    learner, family = climate
    answer = learner.main(learner.generator(family.describe(*place)), family.x([month])).item()
    assert words in says(lesson_00.summit, answer, *climate)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("describe", RIGHT),
        (torch.tensor([2000.0, 38.0, -107.5]), "still metres"),
        (torch.nn.functional.normalize(torch.tensor([2000.0, 38.0, -107.5]), dim=0), "Dividing by the norm"),
        (torch.zeros(3), "Standardise each"),
        (torch.zeros(2), "shape must be (3,), it is (2,)"),
        ([2000.0, 38.0, -107.5], "this is list"),
    ],
)
def test_the_raw_descriptor(says, climate, answer, words):
    family = climate[1]
    answer = family.describe(2000.0, 38.0, -107.5) if isinstance(answer, str) else answer
    assert words in says(lesson_00.raw_descriptor, answer, family)


def network(activation=torch.relu, order=slice(None), change=lambda theta: theta):
    def g(theta, x):
        theta = change(theta)
        W_1, b_1, W_2, b_2 = [theta[0:4].view(4, 1), theta[4:8], theta[8:12].view(1, 4), theta[12:13]]
        if order != slice(None):
            b_1, W_2 = W_2[0], b_1.view(1, 4)
        return activation(x @ W_1.T + b_1) @ W_2.T + b_2

    return g


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (network(), RIGHT),
        (network(torch.tanh), "still tanh"),
        (network(order="biases last"), "in this order"),
        (network(change=torch.Tensor.detach), "no gradient reaches θ"),
        (lambda theta, x: theta[:20].view(4, 5), "raises RuntimeError"),
        (lambda theta, x: x[0], "shape must be (6, 1)"),
        (lambda theta, x: None, "this is NoneType"),
    ],
)
def test_the_relu_network(says, answer, words):
    assert words in says(lesson_01.relu_network, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda t: (t[0:6].view(3, 2), t[6:9], t[9:12].view(1, 3), t[12:13]), RIGHT),
        (lambda t: (t[0:6].view(2, 3).T, t[6:9], t[9:12].view(1, 3), t[12:13]), "the order is not"),
        (lambda t: (t[0:6].view(3, 2), t[9:12], t[6:9].view(1, 3), t[12:13]), "row by row, layer by layer"),
        (lambda t: (t[0:6].view(2, 3), t[6:9], t[9:12].view(1, 3), t[12:13]), "shape must be (3, 2)"),
        (lambda t: t, "must return four tensors"),
    ],
)
def test_cutting_theta(says, answer, words):
    assert words in says(lesson_01.cut, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (torch.outer(torch.tensor([1.0, -2.0]), torch.tensor([1.0, 1.5])), RIGHT),
        (torch.outer(torch.tensor([1.0, 1.5]), torch.tensor([1.0, -2.0])), "transpose"),
        (torch.outer(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.5])), "signs are lost"),
        (torch.zeros(2, 2), "Entry (k, j)"),
        (torch.zeros(2), "shape must be (2, 2)"),
    ],
)
def test_the_gradient_of_the_head(says, answer, words):
    assert words in says(lesson_02.head_gradient, answer)


def loss_on(main, theta, examples):
    return main.loss(theta, examples).mean()


def gap(first, second):
    def measure(learner, tasks):
        theta = learner(tasks.descriptor, tasks.support)
        before = learner.theta_0
        sets = {"query": (theta, tasks.query), "support": (theta, tasks.support), "before": (before, tasks.query)}
        return sum(sign * loss_on(learner.main, *sets[name]) for name, sign in (first, second)).item()

    return measure


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (gap(("query", 1), ("support", -1)), RIGHT),
        (gap(("query", -1), ("support", 1)), "other way round"),
        (gap(("query", 1), ("support", 0)), "query loss alone"),
        (gap(("query", 0), ("support", 1)), "support loss alone"),
        (gap(("query", 1), ("before", -1)), "before adaptation"),
        (lambda learner, tasks: 17.0, "minus that on tasks.support"),
        (lambda learner: 0.0, "raises TypeError"),
    ],
)
def test_the_gap(says, answer, words):
    assert words in says(lesson_05.gap, answer)


def adapted_on(inner, outer):
    def loss(main, theta_0, tasks):
        sets = {"support": tasks.support, "query": tasks.query, "both": tasks.support.joined(tasks.query)}
        return loss_on(main, adapt(main, theta_0, sets[inner], 3, 0.1).final, sets[outer])

    return loss


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (adapted_on("support", "query"), RIGHT),
        (adapted_on("query", "query"), "Still adapted on the query set"),
        (adapted_on("both", "query"), "still among those"),
        (adapted_on("support", "support"), "judged on the support set"),
        (lambda main, theta_0, tasks: 5.0, "Three steps with rate 0.1"),
        (lambda: 5.0, "raises TypeError"),
    ],
)
def test_an_honest_outer_loss(says, answer, words):
    assert words in says(lesson_05.honest, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda main, alpha: dict.fromkeys(list(main.shapes)[-2:], alpha), RIGHT),
        (lambda main, alpha: {list(main.shapes)[-2]: alpha}, "has a bias too"),
        (lambda main, alpha: {}, "Nothing adapts"),
        (lambda main, alpha: alpha, "These adapt"),
        (lambda main, alpha: {"head": alpha}, "does not take it: ValueError"),
    ],
)
def test_rates_of_the_head(says, answer, words):
    assert words in says(lesson_06.head_only, answer)


def one_step(rate=0.05, **options):
    def loss(main, theta_0, tasks):
        theta = theta_0.expand(len(tasks), -1)
        inner = main.loss(theta, tasks.support).sum()
        theta = theta - rate * torch.autograd.grad(inner, theta, **options)[0]
        return loss_on(main, theta, tasks.query)

    return loss


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (one_step(create_graph=True), RIGHT),
        (one_step(), "still the first-order gradient"),
        (one_step(0.5, create_graph=True), "neither"),
        (lambda main, theta_0, tasks: torch.zeros(()), "raises RuntimeError"),
    ],
)
def test_the_second_order(says, answer, words):
    assert words in says(lesson_06.second_order, answer)


def named(keep):
    return lambda generator: [name for name, p in generator.named_parameters() if keep(p)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (named(lambda p: p.grad is None or not p.grad.any()), RIGHT),
        (named(lambda p: p.grad is None), "all zero"),
        (named(lambda p: p.grad is not None and not p.grad.any()), "no gradient ever came"),
        (named(lambda p: True), "trained as it should be"),
        (lambda generator: [] if generator[2].weight.grad is not None and generator[2].weight.grad.any() else
            [name for name, _ in generator.named_parameters()], "Only the trunk"),
        (named(lambda p: not p.grad.any()), "Test for None"),
    ],
)  # fmt: skip
def test_the_guard(says, answer, words):
    assert words in says(lesson_02.guard, answer)


def once(learner, tasks):
    theta = learner(tasks.descriptor, tasks.support)
    return lambda: learner.main.loss(theta, tasks.query).mean()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda learner, tasks: lambda: outer_loss(learner, tasks).mean(), RIGHT),
        (once, "same at every step"),
        (lambda learner, tasks: lambda: outer_loss(learner, tasks).sum(), "mean over the tasks"),
        (lambda learner, tasks: outer_loss(learner, tasks).mean(), "must return a function of nothing"),
    ],
)
def test_fresh_weights(says, answer, words):
    assert words in says(lesson_02.fresh_weights, answer)


class Reader(Learner):
    """The solution, in parts that a subclass can get wrong."""

    def __init__(self, main):
        super().__init__(main)
        self.encoder, self.generator = SetEncoder(1, 1, 8), MLPGenerator(10, main)

    def start(self, descriptor, support):
        return self.generator(torch.cat([self.tau(descriptor), self.h(support)], dim=-1))

    def tau(self, descriptor):
        return descriptor

    def h(self, support):
        return self.encoder(None, support)


class Deaf(Reader):
    def tau(self, descriptor):
        return torch.zeros_like(descriptor)


class Blind(Reader):
    def h(self, support):
        return self.encoder(None, Examples(torch.zeros_like(support.x), torch.zeros_like(support.y)))


class InOrder(Reader):
    def h(self, support):
        return torch.cat([support.x[:, :4, 0], support.y[:, :4, 0]], dim=-1)


class Cut(Reader):
    def h(self, support):
        return super().h(support).detach()


class OneRow(Reader):
    def forward(self, descriptor, support=None):
        return super().forward(descriptor, support)[0]


class Untestable(Learner):
    """Its weights are right, but `meta_test` and `path` never call `forward`."""

    def __init__(self, main):
        super().__init__(main)
        self.reader = Reader(main)

    def forward(self, descriptor, support=None):
        return self.reader(descriptor, support)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Reader, RIGHT),
        (Deaf, "τ is not used"),
        (Blind, "D is not used"),
        (InOrder, "another order"),
        (Cut, "get no gradient"),
        (OneRow, "one row per task"),
        (Untestable, "no `start` of its own"),
        (
            lambda main: Hypernetwork(main, MLPGenerator(10, main), JointEncoder(torch.nn.Identity(), SetEncoder(1, 1, 8))),
            RIGHT,
        ),
        (lambda main: lambda descriptor, support: torch.zeros(4, main.weight_dim), "no `Learner`"),
        (lambda main: Reader(main)(None, None), "raises"),
    ],
)
def test_the_reader(says, answer, words):
    assert words in says(lesson_07.reader, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda tau, s: tau + s * torch.randn_like(tau), RIGHT),
        (lambda tau, s: tau + s * torch.randn(tau.shape[-1]), "same error"),
        (lambda tau, s: tau + s * torch.randn(len(tau), 1), "lies on a line"),
        (lambda tau, s: tau + s**2 * torch.randn_like(tau), "it has 0.25"),
        (lambda tau, s: (tau + s * torch.randn_like(tau))[0], "shape must be"),
        (lambda tau, s: tau + s * torch.randn(3), "raises RuntimeError"),
    ],
)
def test_misdescribed(says, answer, words):
    torch.manual_seed(0)
    assert words in says(lesson_07.misdescribed, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (81_000, RIGHT),
        (80_000, "bias for each"),
        (65_000, "head alone"),
        (16_000, "embeddings alone"),
        (65_016_000, "one piece, not all"),
        (5, "Pieces times"),
    ],
)
def test_parameters_of_a_chunked_generator(says, answer, words):
    assert words in says(lesson_03.chunk_parameters, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda W, s: (1 + s).unsqueeze(-1) * W, RIGHT),
        (lambda W, s: W + torch.diag_embed(s) @ W, RIGHT),
        (lambda W, s: s.unsqueeze(-1) * W, "factor is 1 + s"),
        (lambda W, s: s.unsqueeze(-1) + W, "shifts"),
        (lambda W, s: -s.unsqueeze(-1) * W, "row i of W"),
        (lambda W, s: (1 + s) * W, "raises RuntimeError"),
        (lambda W, s: W, "shape must be"),
    ],
)
def test_film(says, answer, words):
    assert words in says(lesson_03.film, answer)


class Chunks(Generator):
    """A chunked generator whose embeddings come from `self.embeddings()`."""

    def __init__(self, main):
        super().__init__(2, main)
        self.trunk, self.head, self.n = torch.nn.Linear(8, 32), torch.nn.Linear(32, 10), -(-main.weight_dim // 10)
        self.e = torch.nn.Parameter(torch.randn(self.n, 6))

    def embeddings(self):
        return self.e

    def forward(self, tau):
        e = self.embeddings()
        pairs = torch.cat([tau.unsqueeze(-2).expand(-1, len(e), -1), e.expand(len(tau), -1, -1)], dim=-1)
        return self.head(torch.relu(self.trunk(pairs))).flatten(-2)[..., : self.main.weight_dim]


@pytest.mark.parametrize(
    ("embeddings", "words"),
    [
        (lambda self: self.e, RIGHT),
        (lambda self: torch.randn(self.n, 6), "other weights at each call"),
        (lambda self: self.e[:1].expand(self.n, -1), "all pieces are the same"),
        (lambda self: self.e.detach(), "stay as they were drawn"),
        (lambda self: self.e[:2], "shape must be"),
        (lambda self: self.nothing, "raises AttributeError"),
    ],
)
def test_embeddings_of_pieces(says, monkeypatch, embeddings, words):
    monkeypatch.setattr(Chunks, "embeddings", embeddings)
    assert words in says(lesson_03.embeddings, Chunks)


def rough(divide=lambda h: h**2, reduce=torch.mean, cut=lambda t: t):
    return lambda f, tau, error, h: reduce(cut(f(tau + h * error) - f(tau)).square()) / divide(h)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (rough(), RIGHT),
        (rough(lambda h: 1), "not divided by h"),
        (rough(lambda h: h), "by h², not by h"),
        (rough(reduce=torch.sum), "sum over tasks and weights"),
        (rough(reduce=lambda t: t.sum(-1).mean()), "divide by P = 5"),
        (rough(reduce=lambda t: t.mean(-1).sum()), "sum over tasks: take"),
        (rough(lambda h: h, reduce=lambda t: t.sum(-1).sqrt().mean()), "That is the norm"),
        (rough(cut=torch.Tensor.detach), "no gradient reaches φ"),
        (rough(reduce=lambda t: 3 * t.mean()), "mean over tasks and weights of"),
        (rough(reduce=lambda t: t), "shape must be ()"),
        (lambda f, tau: tau, "raises TypeError"),
    ],
)
def test_the_finite_difference(says, answer, words):
    assert words in says(lesson_08.finite_difference, answer)


def keeper(reduce=lambda t: t.sum(-1).mean(), cut=lambda t: t, offset=0.0):
    def keep(f, old_tau):
        theta_old = f(old_tau).detach() + offset
        return lambda: reduce((cut(f(old_tau)) - theta_old).square())

    return keep


def forgetful(f, old_tau):
    return lambda: (f(old_tau) - f(old_tau).detach()).square().sum(-1).mean()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (keeper(), RIGHT),
        (forgetful, "taken anew at every call"),
        (keeper(offset=1.0), "nothing has changed yet"),
        (keeper(cut=lambda t: t.detach() + 0 * t), "No gradient reaches f"),
        (keeper(reduce=torch.mean), "mean over both"),
        (keeper(reduce=torch.sum), "equation (5), but it is"),
        (lambda f, tau: 0.0, "must give a number that can be differentiated: TypeError"),
    ],
)
def test_the_keeper(says, answer, words):
    assert words in says(lesson_08.keeper, answer)


def of_y(of, part="support", along=(1, 2)):
    return lambda batch: torch.stack([f(getattr(batch, part).y, along) for f in of], dim=-1)


MEAN, STD, VAR = torch.mean, torch.std, torch.var


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_y((MEAN, STD)), RIGHT),
        (of_y((MEAN, STD), "query"), "changes with the query set"),
        (of_y((MEAN, VAR)), "variance"),
        (of_y((STD, MEAN)), "mean comes first"),
        (lambda batch: batch.support.y[:, :2, 0], "another order"),
        (lambda batch: batch.descriptor, "came with"),
        (lambda batch: torch.stack([batch.support.x.mean((1, 2)), batch.support.x.std((1, 2))], -1), "says nothing of them"),
        (lambda batch: torch.stack([batch.support.y.mean(), batch.support.y.std()]).expand(5, 2), "described alike"),
        (of_y((MEAN, torch.amax)), "the second its spread"),
        (lambda batch: batch.support.y.mean((1, 2)), "shape must be (5, 2)"),
        (lambda batch: batch.nothing, "raises AttributeError"),
    ],
)
def test_the_describer(says, answer, words):
    assert words in says(lesson_04.describer, answer)


def split_by(new):
    return lambda sentences, words: ([s for s in sentences if not new(s, words)], [s for s in sentences if new(s, words)])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (split_by(lambda s, words: any(w in s.lower() for w in words)), RIGHT),
        (split_by(lambda s, words: any(w in s for w in words)), "lower case"),
        (split_by(lambda s, words: words[0] in s.lower()), "should be new in the test"),
        (split_by(lambda s, words: any(w in s.lower() for w in [*words, "fast"])), "flatter"),
        (lambda sentences, words: (sentences[:5], sentences[5:]), "is trained on"),
        (lambda sentences, words: (sentences, sentences), "in both parts"),
        (lambda sentences, words: (["tall"], ["calm"]), "in neither part"),
        (lambda sentences, words: None, "raises TypeError"),
    ],
)
def test_the_honest_split(says, answer, words):
    assert words in says(lesson_04.honest_split, answer)
