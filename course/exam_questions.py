"""Templates of examination questions: each makes a question with fresh numbers, and its model answer, from a source of randomness.

Letters are those of the lessons. A template says which lesson it is of and of which kind: "compute", "wrong" (find what is wrong
with a piece of code or a claim) or "explain".
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

POINTS = {"compute": 8, "wrong": 7, "explain": 7}


@dataclass(frozen=True)
class Asked:
    """A question as it is asked once.

    Attributes:
        text: the question, in markdown.
        answer: the model answer.
        marking: what the points are for.
        given: the numbers that were drawn, by name.
        value: the numbers that are right; each stands in the answer, as `short` writes it.
    """

    text: str
    answer: str
    marking: str
    given: Mapping[str, object]
    value: tuple[float, ...]


@dataclass(frozen=True)
class Template:
    """lesson, kind and name of a question, and what makes it: a source of randomness → Asked."""

    lesson: str
    kind: str
    name: str
    make: Callable[[random.Random], Asked]


TEMPLATES: list[Template] = []


def template(lesson: str, kind: str):
    def keep(make: Callable[[random.Random], Asked]) -> Callable[[random.Random], Asked]:
        TEMPLATES.append(Template(lesson, kind, make.__name__, make))
        return make

    return keep


def short(number: float) -> str:
    """At most four digits, and none that say nothing."""
    said = f"{float(number):.4g}"
    return "0" if said == "-0" else said


# ------------------------------------------------------------------------------------------------------------- compute


@template("start_here", "compute")
def shifted_error(rng):
    drawn = [rng.randint(-5, 30) for _ in range(4)]
    errors = rng.sample([-3, -2, -1, 1, 2, 3, 4, 5], 4)
    measured = [y - e for y, e in zip(drawn, errors, strict=True)]
    mean = sum(errors) / 4
    rmse = math.sqrt(sum(e * e for e in errors) / 4)
    rest = math.sqrt(sum((e - mean) ** 2 for e in errors) / 4)
    return Asked(
        f"In four months a network draws {drawn} °C at a station it never saw; measured are {measured} °C. (a) How large is its RMSE? "
        "(b) Which constant, taken off all it draws, makes the RMSE smallest, and how small is it then? (c) Why may you not "
        "report the second number as an error on unseen stations?",
        f"(a) The errors are {errors}; RMSE = {short(rmse)} °C. (b) The mean error, {short(mean)} °C; then RMSE = {short(rest)} °C. "
        "(c) The constant was chosen by the measurements of the station itself: it is no longer unseen.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"drawn": drawn, "measured": measured},
        (rmse, mean, rest),
    )


@template("everything_is_a_mapping", "compute")
def place_of_a_weight(rng):
    sizes = [rng.randint(1, 4), rng.randint(3, 9), rng.randint(3, 9), rng.randint(1, 3)]
    a, b, c, d = sizes
    total = a * b + b + b * c + c + c * d + d
    place = a * b + b + b * c
    return Asked(
        f"A main network has the sizes {sizes}, with biases; its weights lie in one vector θ, layer after layer, of each the "
        f"matrix and then the bias. (a) How long is θ? (b) At which place, counted from 0, begins the bias $b_2$ of the second layer? "
        "(c) A batch of 25 tasks and 10 inputs each: which shapes have θ, x and y = g(θ, x)?",
        f"(a) $P = {a * b} + {b} + {b * c} + {c} + {c * d} + {d} = {total}$. (b) After $W_1$, $b_1$ and $W_2$: {place}. "
        f"(c) (25, {total}), (25, 10, {a}), (25, 10, {d}).",
        "3 for (a), 2 for (b), 3 for (c), one for each shape.",
        {"sizes": sizes},
        (total, place),
    )


@template("training_a_hypernetwork", "compute")
def through_the_weights(rng):
    V = [[rng.randint(-2, 2) for _ in range(2)] for _ in range(2)]
    h = [rng.choice([-2, -1, 1, 2, 3]) for _ in range(2)]
    x, y = rng.choice([2, 3, 4]), rng.randint(-3, 3)
    theta = [sum(v * k for v, k in zip(row, h, strict=True)) for row in V]
    error = theta[0] * x + theta[1] - y
    gradient = [[error * x * k for k in h], [error * k for k in h]]
    return Asked(
        f"A main network has two weights, $g(\\theta, x) = \\theta_1 x + \\theta_2$; a generator writes them as $\\theta = V h$ with "
        f"$V = {matrix(V)}$ and $h = ({h[0]}, {h[1]})$. The loss is $L = \\frac12 (g(\\theta, x) - y)^2$ at $x = {x}$, $y = {y}$. "
        "(a) Compute θ and $\\partial L / \\partial \\theta$. (b) Compute $\\partial L / \\partial V$. (c) What becomes of it if θ is "
        "detached before it is handed to g?",
        f"(a) $\\theta = ({theta[0]}, {theta[1]})$, $g - y = {error}$, $\\partial L / \\partial \\theta = ({error * x}, {error})$. "
        f"(b) The outer product with $h$: ${matrix(gradient)}$. (c) There is none: `V.grad` stays `None`, and `backward` raises an "
        "error where nothing else in the loss needs a gradient.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"V": V, "h": h, "x": x, "y": y},
        (*theta, error, *gradient[0], *gradient[1]),
    )


def matrix(rows) -> str:
    return "\\begin{pmatrix} " + " \\\\ ".join(" & ".join(short(v) for v in row) for row in rows) + " \\end{pmatrix}"


@template("generator_designs", "compute")
def worth_of_a_rank(rng):
    m, n, r = rng.choice([48, 64, 96, 128]), rng.choice([80, 160, 200, 256]), rng.choice([2, 3, 4, 8])
    most = (m * n - 1) // (m + n)
    return Asked(
        f"A layer has a matrix of {m} × {n}. A generator writes a change $BA$ of it, with $B$ ({m} × r) and $A$ (r × {n}). "
        f"(a) How many numbers does it write for $r = {r}$, and how many for a whole matrix? (b) Up to which rank are they fewer than for the whole matrix? "
        f"(c) Its head reads 32 hidden units. How many parameters has it, with biases, for $r = {r}$?",
        f"(a) $r(m + n) = {r * (m + n)}$ and $mn = {m * n}$. (b) $r < mn / (m + n)$: up to {most}. "
        f"(c) A row of 32 weights and a bias for each: $33 \\cdot {r * (m + n)} = {33 * r * (m + n)}$.",
        "3 for (a), 2 for (b), 3 for (c).",
        {"m": m, "n": n, "r": r},
        (most,),
    )


@template("task_descriptors", "compute")
def descriptor_by_a_step(rng):
    w, x, y = rng.choice([2, 3, -2]), rng.choice([1, 2, -1]), rng.choice([4, 6, -4, 8])
    rate, start = rng.choice([Fraction(1, 20), Fraction(1, 10)]), rng.choice([0, 1])
    slope = (w * start * x - y) * w * x
    after = start - rate * slope
    best = Fraction(y, w * x)
    return Asked(
        f"A frozen generator writes one weight, $\\theta = {w}\\,e$, of $g(\\theta, x) = \\theta x$. A new task has one example, $x = {x}$, $y = {y}$, and the loss "
        f"$\\frac12 (g - y)^2$. (a) One step of rate {short(rate)} is taken on the code, from $e = {start}$. Where does it lead? (b) At "
        "which $e$ would the steps end? (c) What is adapted here and what is frozen, and why is this safer than to adapt all weights of a "
        "large network to one example?",
        f"(a) The gradient is $({w} e \\cdot {x} - {y}) \\cdot {w} \\cdot {x} = {slope}$, so $e = {short(after)}$. (b) Where the loss "
        f"is zero: $e = {short(best)}$. (c) The code is adapted, and φ is frozen: few numbers move, and θ stays among the weights that the generator can write.",
        "3 for (a), 2 for (b), 3 for (c).",
        {"w": w, "x": x, "y": y, "rate": float(rate), "start": start},
        (slope, after, best),
    )


@template("learning_to_learn", "compute")
def best_start(rng):
    (c1, c2), (h1, h2) = rng.sample(range(-4, 7), 2), rng.sample([Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2)], 2)
    rate, steps = Fraction(2, 5), rng.choice([1, 2])
    weights = [(1 - rate * h) ** (2 * steps) for h in (h1, h2)]
    start = (weights[0] * c1 + weights[1] * c2) / sum(weights)
    return Asked(
        f"Two tasks have the support losses $\\frac12 h_i (\\theta - c_i)^2$ with $c = ({c1}, {c2})$ and $h = ({short(h1)}, {short(h2)})$. "
        f"Each is adapted by {'one step' if steps == 1 else 'two steps'} of rate {short(rate)} from a common start $\\theta_0$; the query losses are $\\frac12 (\\theta - c_i)^2$. "
        "(a) By which factor does adaptation shrink each task's distance from its optimum? (b) Which $\\theta_0$ is best after it? "
        "(c) Why is it nearer to the optimum of the task that adapts slowly?",
        f"(a) $(1 - \\alpha h_i)^K$, with α = {short(rate)}, K = {steps}: {short((1 - rate * h1) ** steps)} and {short((1 - rate * h2) ** steps)}. "
        f"(b) The mean of the $c_i$, weighted with the squares of these: {short(start)}. (c) The fast one gets to its optimum by itself; "
        "the slow one keeps more of its distance, so that the start must care for it.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"c": (c1, c2), "h": (float(h1), float(h2)), "rate": float(rate), "steps": steps},
        (start,),
    )


@template("maml", "compute")
def gradient_through_a_step(rng):
    h, target, start = rng.choice([1, 2, 3]), Fraction(rng.randint(-20, 20), 10), rng.choice([1, 2, 3, -2])
    rate = Fraction(rng.choice([1, 2, 3]), 10)
    factor = 1 - rate * h
    after = factor * start
    first = after - target
    if not first:  # the step ends where the query loss is smallest: nothing would be left to compute
        return gradient_through_a_step(rng)
    return Asked(
        f"One weight: the support loss is $L(\\theta) = \\frac12 h \\theta^2$ with $h = {h}$, the query loss $L'(\\theta) = "
        f"\\frac12 (\\theta - c')^2$ with $c' = {short(target)}$; $\\theta_0 = {start}$, $\\alpha = {short(rate)}$. (a) Where does one inner step lead? (b) What is the "
        "gradient of MAML with respect to $\\theta_0$, and what that of first-order MAML? (c) For which α do the two differ in sign here?",
        f"(a) $\\theta' = (1 - \\alpha h)\\,\\theta_0 = {short(after)}$. (b) First order: $\\theta' - c' = {short(first)}$. MAML: "
        f"$(1 - \\alpha h)(\\theta' - c') = {short(factor * first)}$. (c) Where $1 - \\alpha h < 0$ (and $\\theta' \\ne c'$): $\\alpha > 1 / h = {short(Fraction(1, h))}$.",
        "2 for (a), 4 for (b), 2 for (c).",
        {"h": h, "target": float(target), "start": start, "rate": float(rate)},
        (after, first, factor * first, Fraction(1, h)),
    )


@template("hypernetworks_meet_maml", "compute")
def best_trust(rng):
    s, sigma, n = rng.choice([1, 2, 3]), rng.choice([2, 3, 4, 6]), rng.choice([2, 4, 8, 9])
    noise = Fraction(sigma**2, n)
    rate = s**2 / (s**2 + noise)
    error = (1 - rate) ** 2 * s**2 + rate**2 * noise
    return Asked(
        f"A description says τ, which errs from a task's true θ with standard deviation $s = {s}$; there are $n = {n}$ examples with "
        f"noise $\\sigma = {sigma}$, whose mean is $\\bar y$. One step leads to $\\theta' = \\tau + \\alpha(\\bar y - \\tau)$. (a) Which "
        "α is best? (b) How large is the mean squared error then, and how large for α = 0 and α = 1? (c) What follows for a fixed "
        "α when the descriptions become worse than they were in training?",
        f"(a) $\\alpha^* = s^2 / (s^2 + \\sigma^2 / n) = {short(rate)}$. (b) {short(error)}; for 0 it is $s^2 = {s * s}$, for 1 it is "
        f"$\\sigma^2 / n = {short(noise)}$. (c) It trusts the description too much: the best α grows with $s$.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"s": s, "sigma": sigma, "n": n},
        (rate, error, noise),
    )


@template("regularization", "compute")
def sensitivity_of_a_map(rng):
    V = [[rng.randint(-3, 3) or 1 for _ in range(2)] for _ in range(rng.choice([2, 3]))]
    tau = [rng.choice([1, 2, -1]), rng.choice([1, 2])]
    shift = [rng.choice([0, 1]), 1]
    value = Fraction(sum(v * v for row in V for v in row), len(V))
    moved = [sum(v * d for v, d in zip(row, shift, strict=True)) for row in V]
    length = math.sqrt(sum(v * v for v in moved))
    return Asked(
        f"A generator writes $P = {len(V)}$ weights as $f(\\tau) = V \\tau$ with $V = {matrix(V)}$. (a) How large is its sensitivity, the squared norm of "
        f"$\\partial f / \\partial \\tau$ per weight? (b) How far does θ move when τ goes from $({tau[0]}, {tau[1]})$ to "
        f"$({tau[0] + shift[0]}, {tau[1] + shift[1]})$? (c) Name a generator that writes the same weights for every task: how large is its "
        "sensitivity, and why is the smallest penalty not the aim?",
        f"(a) {short(value)}. (b) $\\lVert V (\\tau' - \\tau) \\rVert = {short(length)}$, wherever τ is. (c) $V = 0$ with a bias: zero. It ignores the task; "
        "a penalty is to be chosen by the error on tasks kept aside.",
        "3 for (a), 2 for (b), 3 for (c).",
        {"V": V, "tau": tau, "shift": shift},
        (value, length),
    )


@template("few_shot_characters", "compute")
def prototypes(rng):
    places = rng.sample([(a, b) for a in range(4) for b in range(4)], 4)
    one, two = places[:2], places[2:]
    h = (rng.choice([1, 2]), rng.choice([1, 2]))
    c = [[Fraction(p[k] + q[k], 2) for k in range(2)] for p, q in (one, two)]
    if c[0] == c[1]:
        return prototypes(rng)
    scores = [2 * sum(a * b for a, b in zip(row, h, strict=True)) - sum(a * a for a in row) for row in c]
    p = 1 / (1 + math.exp(scores[1] - scores[0]))
    return Asked(
        f"The features of two drawings of class 1 are {one[0]} and {one[1]}, of class 2 {two[0]} and {two[1]}. (a) Compute both "
        f"prototypes, and the weights and the bias that they write for each class. (b) A drawing has the features {h}. With which "
        "probability is it of class 1? (c) What was learned here, and what was written?",
        f"(a) $c_1 = ({short(c[0][0])}, {short(c[0][1])})$, $c_2 = ({short(c[1][0])}, {short(c[1][1])})$; row $k$ is $2 c_k$, with the bias "
        f"$-\\lVert c_k \\rVert^2$: ${short(-sum(a * a for a in c[0]))}$ and ${short(-sum(a * a for a in c[1]))}$. (b) The scores are {short(scores[0])} and "
        f"{short(scores[1])}, so $p = {short(p)}$. (c) The features were learned, on other alphabets; the last layer was written from the support set.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"one": one, "two": two, "h": h},
        (*scores, p),
    )


@template("beyond", "compute")
def a_round_of_clients(rng):
    tau, target = rng.sample([1, 2, 3], 2), rng.sample(range(-2, 6), 2)
    phi, rate = rng.choice([1, 2]), Fraction(1, 10)
    changes = [-rate * (phi * t - a) for t, a in zip(tau, target, strict=True)]
    after = phi + sum(Fraction(1, 2) * t * d for t, d in zip(tau, changes, strict=True))
    return Asked(
        f"A server's generator writes $\\theta_i = \\varphi \\tau_i$ with $\\varphi = {phi}$. Two clients with $\\tau = ({tau[0]}, {tau[1]})$ and the losses "
        f"$\\frac12 (\\theta - a_i)^2$, $a = ({target[0]}, {target[1]})$, each take one step of rate 0.1 and send back $\\Delta\\theta_i$. (a) What do they send? (b) What is φ "
        "after the round, with equal shares and η = 1? (c) What must a client not assume about what $\\Delta\\theta$ gives away?",
        f"(a) {short(changes[0])} and {short(changes[1])}. (b) $\\varphi + \\sum_i \\frac12 \\tau_i \\Delta\\theta_i = {short(after)}$. (c) That it hides the data: "
        "of a linear layer after one example, the change of the matrix is that of the bias times the input.",
        "3 for (a), 3 for (b), 2 for (c).",
        {"tau": tau, "target": target, "phi": phi},
        (*changes, after),
    )


T_OF = {4: 3.182, 5: 2.776, 6: 2.571}  # number of splits → the two-sided 95% quantile of Student's t, one degree less


@template("your_own_data", "compute")
def a_tie_or_not(rng):
    n, centre = rng.choice([4, 5, 6]), rng.choice([0.0, 0.1, 0.3])
    differences = [round(centre + rng.uniform(-0.2, 0.2), 2) for _ in range(n)]
    if len(set(differences)) == 1:
        return a_tie_or_not(rng)
    mean = sum(differences) / n
    half = T_OF[n] * math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n)
    tie = abs(mean) <= half
    verdict = "it contains 0: a tie" if tie else f"it lies {'above' if mean > 0 else 'below'} 0: a difference"
    return Asked(
        f"On {n} splits by tasks a hypernetwork's error less that of its strongest rival is {differences}. (a) Compute the mean and the half-width of its "
        f"95 per cent interval, $t \\cdot \\mathrm{{std}} / \\sqrt n$ with $t = {T_OF[n]}$ and the standard deviation that divides by $n - 1$. (b) What is the verdict? "
        "(c) The splits share tasks. Is the interval too wide or too narrow, and what may a tie not be called?",
        f"(a) {short(mean)} ± {short(half)}. (b) The interval reaches from {short(mean - half)} to {short(mean + half)}; {verdict}. (c) Too narrow: errors on splits that share tasks "
        "are not independent. A tie is no proof that the two are equal.",
        "4 for (a), 2 for (b), 2 for (c).",
        {"differences": differences, "t": T_OF[n]},
        (mean, half),
    )


# --------------------------------------------------------------------------------------------------------------- wrong

# What cuts the gradient → (the line, what is to be said of it, the line as it should be).
CUTS = {
    "parameter": (
        "theta = torch.nn.Parameter(generator(tau))",
        "A `Parameter` is a new leaf: the gradient ends there, in `theta.grad`, and nobody reads it",
        "theta = generator(tau)",
    ),
    "detach": ("theta = generator(tau).detach()", "`detach` takes θ out of the graph", "theta = generator(tau)"),
    "data": ("theta = generator(tau).data", "`.data` is θ without its graph", "theta = generator(tau)"),
    "clone": (
        "theta = generator(tau).detach().clone().requires_grad_()",
        "θ was taken out of the graph and made a leaf: that it needs a gradient helps nobody behind it",
        "theta = generator(tau)",
    ),
}


@template("training_a_hypernetwork", "wrong")
def a_cut(rng):
    name = rng.choice(sorted(CUTS))
    wrong, because, right = CUTS[name]
    width = rng.choice([16, 32, 64])
    return Asked(
        f"A colleague trains a generator with {width} hidden units together with a learned scale of the loss's units, and the loss falls a little:\n\n"
        f"```python\n{wrong}\nloss = (scale * main(theta, x) - y).square().mean()\nloss.backward()\n```\n\n"
        "(a) What is wrong, and what is `.grad` of the generator's parameters afterwards? (b) Why does the loss fall, and why is there no error? "
        "(c) Mend it, and write one line that would have found it.",
        f"(a) {because}; the generator's gradients are `None`, not zero. (b) `scale` is learned all the same, so that `backward` has something "
        f"to do and the loss falls. (c) `{right}`; after `backward`: `assert all(p.grad is not None for p in generator.parameters())`.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"cut": name, "wrong": wrong, "right": right},
        (),
    )


@template("learning_to_learn", "wrong")
def a_leak(rng):
    steps, rate = rng.choice([1, 3, 5]), rng.choice([0.01, 0.05, 0.1])
    of_query = rng.random() < 0.5
    used = ("query", "query") if of_query else ("support", "support")
    because = (
        "It adapts to the query examples, on which it is then judged"
        if of_query
        else "It is judged on the support examples, to which it was adapted"
    )
    mended = "adapts to `tasks.support`" if of_query else "is judged on `tasks.query`"
    return Asked(
        f"This outer loss falls nicely:\n\n```python\ntheta = adapt(main, theta_0, tasks.{used[0]}, steps={steps}, lr={rate}).final\n"
        f"return main.loss(theta, tasks.{used[1]}).mean()\n```\n\n(a) What is wrong? (b) What does a learner that minimises it get good at, and how does that "
        "look on new tasks? (c) Mend it by changing one word.",
        f"(a) {because}. (b) At fitting examples that it has seen; on new tasks its query loss lies above what training promises, the more so the fewer "
        f"the examples and the more the noise. (c) It {mended}; the other word stays.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"used": used},
        (),
    )


@template("maml", "wrong")
def first_order_under_another_name(rng):
    rate, h = rng.choice([0.1, 0.2, 0.3]), rng.choice([1, 2, 3])
    factor = 1 - rate * h
    return Asked(
        f"```python\n(g,) = torch.autograd.grad(loss(theta_0, support), theta_0)\nreturn loss(theta_0 - {rate} * g, query)\n```\n\n"
        f"This is called MAML. (a) What is it really, and which word is missing? (b) The support loss is $\\frac12 h \\theta^2$ with $h = {h}$. By which factor does its "
        "gradient differ from MAML's? (c) When would you use it knowingly?",
        f"(a) First-order MAML: without `create_graph=True` the inner gradient is a constant to the outer one. (b) MAML has the factor $1 - \\alpha h = {short(factor)}$ more. "
        "(c) When the second derivative costs more time or memory than it brings, and the curvature is small against 1/α.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"rate": rate, "h": h},
        (factor,),
    )


@template("few_shot_characters", "wrong")
def above_chance(rng):
    ways, n = rng.choice([4, 5, 10, 20]), rng.choice([100, 200, 400])
    right = round(n / ways) + rng.randint(2, 12)
    p, chance = right / n, 1 / ways
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    apart = p - half > chance
    return Asked(
        f"A report says: “In a test with {ways} ways our learner named {right} of {n} drawings rightly, {100 * p:.3g} per cent. That is above chance: it has learned to read new "
        "alphabets.” (The drawings are of alphabets from training, of classes kept aside.) (a) What is chance? (b) Compute the interval $\\pm 1.96 \\sqrt{p (1 - p) / n}$ and judge the first "
        "claim. (c) What is wrong with the second, whatever the numbers?",
        f"(a) {short(chance)}. (b) {short(p)} ± {short(half)}: its lower end is {short(p - half)}, "
        f"{'above chance: the first claim holds for these drawings' if apart else 'not above chance: it is not shown'}. "
        "(c) An alphabet of which some characters were trained on is not new; whole alphabets must be kept aside.",
        "1 for (a), 3 for (b), 3 for (c).",
        {"ways": ways, "n": n, "right": right},
        (chance, p, half),
    )


# What a test must not know → (what somebody did, why it is wrong, what is right).
LEAKS = {
    "mean": (
        "standardised the descriptors with mean and deviation of all tasks, then split",
        "the test tasks had a say in the scale of what the generator was trained on",
        "split first, and use the training tasks' mean and deviation for all",
    ),
    "rows": (
        "held out a random fifth of the rows",
        "every task has rows on both sides, so that the test asks for known tasks at other inputs, not for new tasks",
        "hold out a fifth of the tasks with all their rows",
    ),
    "rate": (
        "tried ten learning rates and reports the test error of the best",
        "the smallest of ten test errors is small partly by luck: the test chose the rate",
        "choose the rate on tasks kept aside among the training tasks, and look at the test once",
    ),
}


@template("your_own_data", "wrong")
def a_test_that_knows(rng):
    name = rng.choice(sorted(LEAKS))
    did, because, right = LEAKS[name]
    tasks, rows = rng.choice([15, 20, 30, 40]), rng.choice([8, 12, 20])
    aside = tasks // 5
    return Asked(
        f"A table has {tasks} tasks of {rows} rows each. For “the error on tasks never seen” somebody {did}. (a) What is wrong with it, and in which direction does it "
        "move the error? (b) How is it done rightly? (c) With a fifth of the tasks kept aside, how many errors is the reported mean made of, and why are "
        f"they not {aside * rows}?",
        f"(a) In this way {because}; the error looks smaller than it is, as a rule. (b) One should {right}. (c) {aside}, one for each task: rows of a task share what makes the task easy or hard, and are "
        "not independent.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"leak": name, "tasks": tasks, "rows": rows},
        (aside,),
    )


# ------------------------------------------------------------------------------------------------------------- explain


@template("start_here", "explain")
def one_descriptor_two_years(rng):
    low, gap, height = rng.randint(18, 24), rng.choice([2, 3, 4, 6]), rng.choice([1600, 2000, 2400])
    high, mean = low + gap, low + gap / 2
    return Asked(
        f"Two stations at {height} m have the same descriptor (elevation, latitude, longitude, to the digits given); one measures {low} °C in July and the other {high} °C. (a) Explain why no generator can be right at both, and "
        "what is the smallest root mean squared error over the two. (b) Would a larger generator help? A larger main network? (c) What would you change, and how would you "
        "find out whether it helps?",
        f"(a) θ is a function of τ: equal descriptors give equal networks. The best both can share is the mean, {short(mean)} °C, which errs by {short(gap / 2)} °C at each. (b) Neither: what is missing is "
        "not in τ. (c) Describe more, such as slope, exposure or distance from the ridge, or give examples of the station; compare on stations kept aside, over several splits.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"low": low, "high": high},
        (mean, gap / 2),
    )


@template("everything_is_a_mapping", "explain")
def sliders(rng):
    width = rng.choice([5, 8, 10, 20])
    total = 3 * width + 1
    return Asked(
        f"A network with sizes [1, {width}, 1] draws waves that differ in height and phase. Somebody builds a slider for each weight. (a) How many are there, and why is it hard to set a wave with them? (b) Why are "
        "two sliders enough once a generator writes the weights, and what do the weights do while they move? (c) Which waves can the two sliders not draw?",
        f"(a) {total}. Each moves the curve everywhere in a way that depends on all the others, and almost all settings are no wave. (b) The tasks differ in two numbers; the generator maps these two "
        "to a sheet in the space of weights, on which all weights move together. (c) Those that are no task of the family, and those outside the region of τ it was trained on.",
        "2 for (a), 3 for (b), 2 for (c).",
        {"width": width},
        (total,),
    )


@template("maml", "explain")
def mean_and_median(rng):
    losses = [*sorted(round(rng.uniform(0.1, 0.9), 1) for _ in range(6)), float(rng.choice([40, 90, 250]))]
    mean, median = sum(losses) / 7, losses[3]
    return Asked(
        f"After five inner steps on seven unseen tasks a learner's query losses are {losses}. (a) Give mean and median. (b) What happened to the last task, and how would you look whether α or the task is to blame? "
        "(c) A rival has the mean 1.2. What do you report?",
        f"(a) {short(mean)} and {short(median)}. (b) Its steps diverged: α is too long for its curvature. Draw its support loss against the steps, and take a smaller α. (c) Both numbers and the share "
        "that diverged: by the mean the rival wins, by the median it cannot be said before its own median is known.",
        "2 for (a), 3 for (b), 2 for (c).",
        {"losses": losses},
        (mean, median),
    )


# What is known of a new task → (which descriptors can be used, why not the others).
KNOWN = {
    "a name that no training task had": (
        "none of them as it is",
        "a name says which, not what; there is no place for it in a one-hot",
    ),
    "two sentences that describe it": ("text", "there are no numbers, and no examples"),
    "its height and its place": ("numbers", "there are no examples yet, and a name would say nothing"),
    "six measured examples, and nothing else": ("statistics or an encoder of examples", "nothing was told of it"),
}


@template("task_descriptors", "explain")
def what_can_be_said(rng):
    known = rng.choice(sorted(KNOWN))
    can, cannot = KNOWN[known]
    n = rng.choice([4, 9, 16, 25])
    sigma = rng.choice([2, 3, 6])
    error = sigma / math.sqrt(n)
    return Asked(
        f"Of a new task you have: {known}. (a) Which of a one-hot, text, numbers and examples can describe it to a trained generator, and why not the others? (b) An encoder of examples is to "
        f"give the same code in whatever order they come. How is that made certain by construction? (c) The mean of {n} outputs is used as a descriptor; they scatter with standard deviation {sigma}. With which "
        "standard deviation does the descriptor err, and what follows for training?",
        f"(a) {can[0].upper() + can[1:]}: {cannot}. (b) The examples are encoded one by one and then added or averaged. (c) ${sigma} / \\sqrt{{{n}}} = {short(error)}$. In training τ must be made of as few examples as in the test, "
        "so that the generator learns how far to trust it.",
        "3 for (a), 2 for (b), 2 for (c).",
        {"known": known, "n": n, "sigma": sigma},
        (error,),
    )


@template("hypernetworks_meet_maml", "explain")
def worth_in_examples(rng):
    s, sigma = rng.choice([1, 2]), rng.choice([4, 6, 8])
    worth = Fraction(sigma**2, s**2)
    return Asked(
        f"A description errs with standard deviation $s = {s}$, an example with $\\sigma = {sigma}$. (a) From how many examples on is their mean, alone, better than the description alone? (b) Explain why "
        "both together, with the right step, are never worse than either. (c) In a test the combination lost to the examples alone. Name two reasons that you would look at first.",
        f"(a) $\\sigma^2 / n < s^2$: from more than $\\sigma^2 / s^2 = {short(worth)}$ on. (b) Either alone is the step α = 0 or α = 1; the best α minimises over all. (c) The description is worse in the "
        "test than in training, so that α trusts it too much; too few steps or too short ones to get away from a wrong start; or the rates were not tuned with equal care.",
        "2 for (a), 2 for (b), 3 for (c).",
        {"s": s, "sigma": sigma},
        (worth,),
    )


@template("regularization", "explain")
def a_strength(rng):
    strengths = [0.01, 0.1, 1, 10]
    best = rng.choice([1, 2, 3])
    unseen = [round(1.0 + 0.3 * abs(k - best) + rng.uniform(0, 0.1), 2) for k in range(4)]
    train = [round(0.2 + 0.2 * k + rng.uniform(0, 0.1), 2) for k in range(4)]
    edge = best == 3
    return Asked(
        f"A penalty is tried with λ = {strengths}. The error on training tasks is {train}, on tasks kept aside {unseen}. (a) Which λ do you take, and which of the two rows decides? (b) What do the two "
        f"rows say at λ = 0.01? (c) What must be said of the choice before it is called the best, and what do you still need to report an error on new tasks?",
        f"(a) {short(strengths[best])}, by the tasks kept aside. (b) The generator memorises: a small error where it was trained, a larger one elsewhere. (c) "
        f"{'It lies at the edge of what was tried: larger ones must be tried, too' if edge else 'It lies within what was tried; how far the minimum is from its neighbours must be seen over several seeds'}. And "
        "another set of tasks, since these have chosen λ.",
        "2 for (a), 2 for (b), 3 for (c).",
        {"strengths": strengths, "unseen": unseen},
        (strengths[best],),
    )


@template("beyond", "explain")
def what_an_update_tells(rng):
    x = [rng.choice([-2, -1, 1, 2, 3]) for _ in range(3)]
    change = rng.choice([Fraction(1, 10), Fraction(-1, 5), Fraction(1, 4)])
    row = [change * v for v in x]
    return Asked(
        f"A client took one step on one example. Of a unit of its first layer the bias changed by {short(change)}, and its row of the matrix by ({', '.join(map(short, row))}). (a) What was the input x? (b) Explain why, from the chain rule. "
        "(c) Name one thing that hides it better, and what it costs.",
        f"(a) The row divided by the bias: ({', '.join(map(str, x))}). (b) A unit sees $W x + b$: the derivative by $b$ is δ, and by the row of $W$ it is $\\delta x$; both are multiplied by the same rate. (c) Several examples, or steps, before "
        "anything is sent (the sums mix; more work for the client); noise on what is sent (worse learning); secure sums over clients (effort, and nothing for a lone client).",
        "2 for (a), 3 for (b), 2 for (c).",
        {"change": float(change), "row": [float(v) for v in row]},
        tuple(x),
    )
