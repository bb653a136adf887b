"""The checks of this lesson's exercises."""

from dataclasses import replace

import torch

from hyperedu.batches import Examples
from hyperedu.lessons import feedback
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


def table_size(answer) -> None:
    feedback.number(
        answer,
        200 * 4 + 4 * 64 + 64,
        "The table grows with the tasks, the layer does not: a one-hot descriptor would need 12,864 numbers here.",
        {
            200 * 64 + 64: "That is the layer for a one-hot descriptor of 200 numbers, without a table.",
            200 * 4: "That is the table alone; the layer comes after it.",
            200 * 4 + 4 * 64: "The layer's 64 biases are missing.",
            4 * 64 + 64: "That is the layer alone; the table is learned too.",
            200 * 4 + 200 * 64 + 64: "The layer sees a row of the table, 4 numbers, not the one-hot vector.",
        },
        "Add the table, 200 rows of 4 numbers, and a layer from 4 to 64 with its biases.",
    )


def describer(answer) -> None:
    if feedback.unanswered(answer):
        return
    batch = Sinusoids().train.sample(5, 8, 6, torch.Generator().manual_seed(0))
    D, other = batch.support, Examples(batch.query.x, batch.query.y + 1)
    turned = D.some(range(len(D))[::-1])
    expected = torch.stack([D.y.mean((1, 2)), D.y.std((1, 2), correction=0)], dim=-1)
    try:
        tau = feedback.tensor(answer(batch), (5, 2))
        if tau is None:
            return
        leaks = not torch.allclose(tau, answer(replace(batch, query=other)))
        ordered = not torch.allclose(tau, answer(replace(batch, support=turned)), atol=1e-5)
    except Exception as error:
        feedback.wrong(
            _(
                "Calling it with a batch of 5 tasks with 8 support examples raises {name}: {error}.",
                name=type(error).__name__,
                error=error,
            )
        )
        return
    if leaks:
        feedback.wrong("It changes with the query set: a descriptor must not see the test. Use batch.support.")
    elif ordered:
        feedback.wrong("The same examples in another order are described otherwise.")
    elif len(tau.unique(dim=0)) == 1:
        feedback.wrong("All tasks are described alike: the mean goes over the examples of each task, not over the batch.")
    elif torch.allclose(tau, batch.descriptor):
        feedback.wrong("That is the descriptor the batch came with; describe the task by its support set.")
    elif torch.allclose(tau[:, 1], expected[:, 1].square()) or torch.allclose(tau[:, 1], D.y.var((1, 2))):
        feedback.wrong("The second number is the variance; the standard deviation is its root.")
    elif torch.allclose(tau.flip(-1), expected) or torch.allclose(tau[:, 0], D.y.std((1, 2))):
        feedback.wrong("The mean comes first, then the standard deviation.")
    elif torch.allclose(tau[:, 0], D.x.mean((1, 2))):
        feedback.wrong("These are statistics of x, which is drawn alike for all tasks and says nothing of them. Describe y.")
    elif torch.allclose(tau[:, 0], expected[:, 0], atol=1e-5) and torch.allclose(tau[:, 1], expected[:, 1], rtol=0.1):
        feedback.right("Two numbers from examples, in any order and of any number.")
    else:
        feedback.wrong("The first number should be the mean of batch.support.y of each task, the second its spread (std).")


def honest_split(answer) -> None:
    if feedback.unanswered(answer):
        return
    sentences = [
        "a tall wave", "a lofty wave", "Lofty and slow", "a slow wave", "a calm one, lofty", "calm", "a wave, tall and calm",
        "a fast wave", "fast and calm", "tall",
    ]  # fmt: skip
    words = ["lofty", "calm"]
    try:
        train, test = (list(part) for part in answer(sentences, words))
    except Exception as error:
        feedback.wrong(
            _(
                "Calling it with ten sentences and {words} raises {name}: {error}.",
                words=words,
                name=type(error).__name__,
                error=error,
            )
        )
        return
    has = {sentence: any(word in sentence.lower() for word in words) for sentence in sentences}
    leaked = [sentence for sentence in train if has.get(sentence)]
    if set(train) & set(test):
        feedback.wrong("A sentence is in both parts.")
    elif set(leaked) == {"Lofty and slow"}:
        feedback.wrong("“Lofty and slow” is trained on: to Python it is another word than “lofty”. Compare in lower case.")
    elif leaked:
        feedback.wrong(_("“{sentence}” is trained on, and has a word that should be new in the test.", sentence=leaked[0]))
    elif set(train) | set(test) != set(sentences):
        feedback.wrong("Some sentences are in neither part.")
    elif not all(has[sentence] for sentence in test):
        feedback.wrong("The test has sentences without a new word: they would flatter it.")
    else:
        feedback.right("What is tested now is what was claimed: words that were never trained on.")
