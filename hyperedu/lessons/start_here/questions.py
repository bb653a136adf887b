"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Number

PREDICTIONS = {
    "watch-it-learn": Choice(
        "The star moves from 1,500 m to 3,500 m. What does the curve of the year do?",
        {
            "It sinks by the same amount in all months": (
                "Air does cool with height all the year, but not by as much in every month."
            ),
            "It sinks in every month, in summer by more than in winter": (
                "So it is, in the measurements and in the network: look at July and January. Late spring sinks as much."
            ),
            "It sinks in winter and hardly in summer": "It is the other way round: summer loses more.",
            "Its shape changes, its mean stays": "The whole year is colder up there.",
        },
        "It sinks in every month, in summer by more than in winter",
    ),
    "by-how-much": Number(
        "By how many degrees is July colder at 3,500 m than at 1,500 m, at 39.0° N and 105.3° W, says the network?",
        "°C",
        3.0,
        "Nobody told it so: it is in the measurements of stations at many heights.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "start_here", PREDICTIONS)
after = partial(asking.after, "start_here")
quiz = partial(asking.quiz, "start_here")
of_readers = partial(asking.of_readers, READERS)
