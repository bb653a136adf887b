"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Sketch

PREDICTIONS = {
    "ten-lines": Sketch(
        "How much rain and snow falls in each month above 3,000 m, on average of the stations there? Sketch the year.",
        "month",
        "mm",
        list("JFMAMJJASOND"),
        0.0,
        120.0,
        "Up there March is the wettest month, and June the driest. On the plains it is May that is wet.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "your_own_data", PREDICTIONS)
quiz = partial(asking.quiz, "your_own_data")
of_readers = partial(asking.of_readers, READERS)
