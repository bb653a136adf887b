"""What is said below the figure of this lesson that the notebook draws itself."""

from hyperedu.words import _


def error_in_words(error: float, flat: float) -> str:
    """The error of a curve beside that of the flat line y = 0."""
    return _("The mean squared error is {error:.2f}; the flat line y = 0 has {flat:.2f}.", error=error, flat=flat)
