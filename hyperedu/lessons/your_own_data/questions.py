"""What this lesson asks before its figures answer, and its quiz."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "ten-lines": Choice(
        "When does most rain and snow fall, at 3,300 m?",
        {
            "In summer": "On the plains; up here more falls as snow.",
            "In spring": "As snow; the plains have their wet season in summer.",
            "In autumn": "It is the drier part of the year.",
            "Evenly over the year": "There is a season, if less of one than on the plains.",
        },
        "In spring",
    ),
}
predict = partial(asking.predict, "your_own_data", PREDICTIONS)
quiz = partial(asking.quiz, "your_own_data")
