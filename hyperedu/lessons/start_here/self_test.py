# %% opening [markdown]
# # Can you take this course?
#
# Ten questions in ten minutes: write each answer in place of the three dots, a number, a shape such as `(3, 4)`, or the letter of a choice
# such as `"a"`, and run the cell. You are told at once whether it is right, and what to read where it is not. Work them out by hand; PyTorch would tell you the
# answers, and not whether you are ready. Nothing is noted, and nobody sees it.

# %% imports
from hyperedu.lessons.start_here import self_test_checks as checks

# %% gradient [markdown]
# **1 · A gradient.** `w = torch.tensor(2.0, requires_grad=True); loss = (3 * w - 1) ** 2; loss.backward()`. What is `w.grad`?

# %% gradient-answer tags=["exercise"]
gradient = ...
checks.check("gradient", gradient)

# %% detach [markdown]
# **2 · No gradient.** And if it were `loss = (3 * w.detach() - 1) ** 2`?
#
# * (a) `w.grad` is 30 again.
# * (b) `w.grad` is 0.
# * (c) `backward` raises an error, and `w.grad` is `None`.

# %% detach-answer tags=["exercise"]
detach = ...
checks.check("detach", detach)

# %% weights [markdown]
# **3 · Weights of a layer.** A linear layer maps 3 numbers to 4. How many weights has it, its biases included?

# %% weights-answer tags=["exercise"]
weights = ...
checks.check("weights", weights)

# %% broadcast [markdown]
# **4 · Shapes.** `x` has shape (25, 7, 1), `y` has shape (7, 1). Which shape has `x - y`?

# %% broadcast-answer tags=["exercise"]
broadcast = ...
checks.check("broadcast", broadcast)

# %% step [markdown]
# **5 · A gradient step.** $f(\theta) = \frac12 h\,\theta^2$ with $h = 4$. One gradient step of rate $\alpha = 0.1$ leads from $\theta = 3$ to where?

# %% step-answer tags=["exercise"]
step = ...
checks.check("step", step)

# %% test-set [markdown]
# **6 · A test set.** Why is a test set kept apart?
#
# * (a) To save time.
# * (b) What was fitted to data, or chosen by it, says little of new data.
# * (c) The model would learn nothing from it.

# %% test-set-answer tags=["exercise"]
test_set = ...
checks.check("test-set", test_set)

# %% chain-rule [markdown]
# **7 · The chain rule.** $z = W x$ and $L = \frac12 \lVert z \rVert^2$, with $W = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix}$ and $x = (2, 1)$. What is $\partial L / \partial W_{11}$?

# %% chain-rule-answer tags=["exercise"]
chain_rule = ...
checks.check("chain-rule", chain_rule)

# %% product [markdown]
# **8 · A batch of matrices.** `A` has shape (25, 7, 3), `B` has shape (25, 3, 4). Which shape has `A @ B`?

# %% product-answer tags=["exercise"]
product = ...
checks.check("product", product)

# %% chosen [markdown]
# **9 · A choice.** Of ten models the one with the smallest test error is taken. What do you expect of its error on new data?
#
# * (a) It is larger than that test error.
# * (b) It is the same on average.
# * (c) It is smaller.

# %% chosen-answer tags=["exercise"]
chosen = ...
checks.check("chosen", chosen)

# %% alias [markdown]
# **10 · Two names.** `theta = torch.zeros(2); other = theta; other += 1`. What is `theta.sum()`?

# %% alias-answer tags=["exercise"]
alias = ...
checks.check("alias", alias)

# %% ready [markdown]
# ## Ready?
#
# Run this when all are answered; before, it says what is missing.

# %% summary
checks.summary()
