"""The lessons, a folder each: the notebook's source, its figures, its checks, its trainings.

They are a second floor: they may use all of hyperedu, and nothing else in hyperedu imports them.
"""
