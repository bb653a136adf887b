"""Encoders h : (τ, D) → code, each against its equation."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from hyperedu import DescriptorEncoder, Encoder, Examples, JointEncoder, Learned, SetEncoder, WordAttention
from hyperedu.encoders import as_encoder, numbers_of


def examples(*lead, n=5, d_in=2, d_out=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    return Examples(torch.randn(*lead, n, d_in, generator=random), torch.randn(*lead, n, d_out, generator=random))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


# ------------------------------------------------------------------------------------------------------------- of examples


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_a_set_encoder_is_its_equation(lead):
    """h(D) = ρ(mean over examples of ψ(x, y)), ψ two layers with GELU, ρ one. Zaheer and others 2017, theorem 2."""
    encoder, D = SetEncoder(2, 3, 4, hidden=7, rng=torch.Generator().manual_seed(0)).double(), examples(*lead).to(torch.float64)
    with torch.no_grad():
        for p in encoder.parameters():
            p.add_(0.1)
    found = encoder(None, D)
    assert found.shape == (*lead, 4)
    x, y = D.x.reshape(-1, 5, 2), D.y.reshape(-1, 5, 3)
    for code, one_x, one_y in zip(found.reshape(-1, 4), x, y, strict=True):
        h = torch.zeros(7, dtype=torch.float64)
        for k in range(5):
            z = torch.cat([one_x[k], one_y[k]])
            for layer in encoder.each:
                z = layer.weight @ z + layer.bias
                z = z * (1 + torch.erf(z / math.sqrt(2))) / 2
            h += z / 5
        torch.testing.assert_close(code, encoder.whole.weight @ h + encoder.whole.bias)
    assert [(layer.in_features, layer.out_features) for layer in (*encoder.each, encoder.whole)] == [(5, 7), (7, 7), (7, 4)]
    found.square().sum().backward()
    assert all(p.grad.any() for p in encoder.parameters())


def test_the_order_leaves_no_trace_and_a_set_told_twice_is_the_same_set():
    encoder, D = SetEncoder(2, 3, 4).double(), examples(3).to(torch.float64)
    code = encoder(None, D)
    torch.testing.assert_close(encoder(None, D.some([4, 2, 0, 1, 3])), code)
    torch.testing.assert_close(encoder(None, D.joined(D)), code)
    assert not torch.allclose(encoder(None, D.first(4)), code)
    assert not torch.allclose(encoder(None, Examples(D.x, D.y.flip(-2))), code), "which y belongs to which x"
    assert torch.equal(encoder(torch.ones(3, 2), D), code), "a description is not read"


def test_a_set_encoder_reads_images_in_a_row_and_classes_as_vectors_with_a_single_one(random):
    encoder = SetEncoder(12, 3, 4, rng=random)
    x, y = torch.randn(2, 5, 1, 3, 4, generator=random), torch.randint(3, (2, 5), generator=random)
    as_vectors = torch.zeros(2, 5, 3)
    for task in range(2):
        for k in range(5):
            as_vectors[task, k, y[task, k]] = 1
    torch.testing.assert_close(encoder(None, Examples(x, y)), encoder(None, Examples(x.flatten(2), as_vectors)))
    assert torch.equal(numbers_of(Examples(x, y), 3), as_vectors)
    assert numbers_of(Examples(x, y), 5).shape == (2, 5, 5)
    numbers = Examples(x, as_vectors)
    assert numbers_of(numbers, 3) is as_vectors
    assert encoder.double()(None, Examples(x.double(), y)).dtype == torch.float64


def test_each_layer_of_a_set_encoder_begins_with_the_gain_of_its_activation(random):
    """He et al. 2015, equation 10: standard deviation √(2 / fan_in), biases at zero; 128 wide where nothing is said."""
    encoder = SetEncoder(300, 100, 200, rng=random)
    for layer, fan_in in zip((*encoder.each, encoder.whole), (400, 128, 128), strict=True):
        assert layer.weight.shape[1] == fan_in
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.02)
        assert abs(layer.weight.mean().item()) < 0.002
        assert not layer.bias.any()
    assert encoder.dim == 200


def test_what_an_encoder_of_examples_says_in_words_is_the_likeliest_of_those_remembered():
    encoder, D = SetEncoder(2, 3, 4), examples(3)
    codes = encoder(None, D).detach()
    assert encoder.in_words(codes[1]) == "a set of examples, in numbers that have no names"
    encoder.remember(["a", "b", "c"], D)
    for code, name in zip(codes, "abc", strict=True):
        assert encoder.in_words(code + 0.01) == f"examples most like those of {name}"


# ----------------------------------------------------------------------------------------------------------- of a description


def test_a_learned_code_is_the_row_of_its_name(random):
    table = Learned(["a", "b", "c"], 4, random)
    one_hot = torch.eye(3)[[2, 0]]
    assert torch.equal(table(one_hot), table.table[[2, 0]])
    assert torch.equal(table(one_hot, examples(2)), table.table[[2, 0]])
    table(one_hot).square().sum().backward()
    assert table.table.grad.any(-1).tolist() == [True, False, True]
    for row, name in zip(table.table.detach(), "abc", strict=True):
        assert table.in_words(row + 0.01) == f"most like the task called {name}"
    assert Learned([str(k) for k in range(400)], 50, random).table.std().item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_attention_to_words_is_its_equation(lead, random):
    """h = Σ_w a_w V w with a = softmax_w(K w), head by head; words that are all zeros are not there."""
    attend = WordAttention(5, heads=2, dim=3, rng=random)
    words = torch.randn(*lead, 4, 5, generator=random)
    words[..., 3, :] = 0
    found, a = attend(words.flatten(-2)), attend.attention(words.flatten(-2))
    assert found.shape == (*lead, 6)
    assert a.shape == (*lead, 4, 2)
    assert not a[..., 3, :].any()
    for code, some in zip(found.reshape(-1, 6), words.reshape(-1, 4, 5)[:, :3], strict=True):
        for head in range(2):
            weight = torch.softmax(some @ attend.K.weight[head], dim=0)
            value = some @ attend.V.weight[3 * head : 3 * head + 3].T + attend.V.bias[3 * head : 3 * head + 3]
            torch.testing.assert_close(code[3 * head : 3 * head + 3], weight @ value)
    assert attend.dim == 6


def test_attention_to_words_begins_with_values_of_the_size_of_the_words(random):
    attend = WordAttention(2000, 50, 8, random)
    for layer in (attend.K, attend.V):
        assert layer.weight.std().item() == pytest.approx(1 / math.sqrt(2000), rel=0.02)
    assert not attend.V.bias.any()
    assert attend.K.bias is None
    assert (WordAttention().width, WordAttention().dim, WordAttention().K.out_features) == (1152, 48, 6)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: SetEncoder(1, 1, 3, rng=rng),
        lambda rng: Learned(["a", "b"], 3, rng),
        lambda rng: WordAttention(4, 2, 3, rng),
    ],
)
def test_the_source_of_randomness_decides_where_an_encoder_begins(make):
    one, again, other = (make(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert same(one, again)
    assert not same(one, other)
    torch.manual_seed(3)
    by_torch = make(None)
    torch.manual_seed(4)
    assert not same(by_torch, make(None)), "torch's own source where none is given"


# ------------------------------------------------------------------------------------------------------------------- of both


class Both(nn.Module):
    """A reader's own: the description and the mean of the examples."""

    def forward(self, descriptor, support):
        return torch.cat([descriptor, support.y.mean(-2)], -1)


def test_a_module_of_a_description_alone_becomes_an_encoder_and_one_of_both_stays():
    linear, both, D = nn.Linear(2, 4), Both(), examples(3)
    assert as_encoder(both) is both
    encoder = as_encoder(linear)
    assert isinstance(encoder, DescriptorEncoder)
    assert as_encoder(encoder) is encoder
    tau = torch.randn(3, 2)
    assert torch.equal(encoder(tau, D), linear(tau))
    assert torch.equal(encoder(tau), linear(tau))
    assert {id(p) for p in encoder.parameters()} == {id(p) for p in linear.parameters()}
    set_encoder = SetEncoder(2, 3, 4)
    assert as_encoder(set_encoder) is set_encoder


class Scaled(nn.Module):
    """A module of a description alone, with a setting that has a default."""

    def forward(self, tau, scale=2.0):
        return scale * tau


class Either(nn.Module):
    """Of both, though it is no `Encoder`."""

    def forward(self, descriptor, support=None):
        return descriptor if support is None else support.y.mean(-2)


def test_what_has_a_default_is_a_setting_and_no_support_set():
    tau, D = torch.ones(3, 1), Examples(torch.zeros(3, 5, 1), torch.zeros(3, 5, 1))
    assert torch.equal(as_encoder(Scaled())(tau, D), 2 * tau)
    assert torch.equal(as_encoder(Scaled())(tau, None), 2 * tau)
    assert torch.equal(as_encoder(Either())(tau, D), torch.zeros(3, 1))


def test_an_encoder_says_how_long_its_codes_are_where_it_is_known():
    assert DescriptorEncoder(nn.Linear(2, 4)).dim == 4
    assert DescriptorEncoder(Learned(["a"], 7)).dim == 7
    assert DescriptorEncoder(nn.Sequential(nn.Linear(2, 4))).dim is None
    assert JointEncoder(nn.Linear(2, 4), SetEncoder(2, 3, 5)).dim == 9
    assert JointEncoder(nn.Sequential(nn.Linear(2, 4)), SetEncoder(2, 3, 5)).dim is None
    assert JointEncoder(Both(), SetEncoder(2, 3, 5)).dim is None
    assert Encoder.dim is None


def test_joint_codes_stand_side_by_side_in_the_order_given(random):
    linear, of_set, D, tau = nn.Linear(2, 4), SetEncoder(2, 3, 5), examples(3), torch.randn(3, 2, generator=random)
    codes = linear(tau), of_set(None, D), Both()(tau, D)
    torch.testing.assert_close(JointEncoder(linear, of_set, Both())(tau, D), torch.cat(codes, -1))
    torch.testing.assert_close(JointEncoder(of_set, linear)(tau, D), torch.cat([codes[1], codes[0]], -1))
    nested = JointEncoder(JointEncoder(linear, of_set), Both())
    torch.testing.assert_close(nested(tau, D), torch.cat(codes, -1))
    nested(tau, D).square().sum().backward()
    assert all(p.grad.any() for p in (*linear.parameters(), *of_set.parameters()))


def test_an_encoder_of_ones_own_that_gives_no_code_says_so():
    with pytest.raises(NotImplementedError):
        Encoder()(None, None)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SetEncoder(2, 3, 4)(None, None), ["SetEncoder", "at least one example"]),
        (lambda: SetEncoder(2, 3, 4)(None, examples(3).first(0)), ["SetEncoder", "at least one example"]),
        (lambda: SetEncoder(1, 3, 4)(None, examples(3)), ["(3, 5, 2) has 2", "(3, 5, 3) 3", "1 and 3"]),
        (lambda: SetEncoder(2, 6, 4)(None, examples(3)), ["3, but", "2 and 6"]),
        (lambda: SetEncoder(2, 3, 4)(None, Examples(torch.zeros(4, 2), torch.arange(4))), ["from 0 to 3", "for 3"]),
        (lambda: SetEncoder(0, 3, 4), ["d_in", "at least 1", "0"]),
        (lambda: SetEncoder(2, 3, 4, hidden=0), ["hidden", "at least 1", "0"]),
        (lambda: Learned(["a", "b"], 3)(torch.eye(3)), ["2 rows", "3 numbers"]),
        (lambda: Learned(["a", "b"], 3)(None), ["Learned", "None"]),
        (lambda: Learned([], 3), ["at least one name"]),
        (lambda: WordAttention(4)(torch.ones(3, 6)), ["(3, 6)", "4 numbers"]),
        (lambda: WordAttention(4)(torch.zeros(3, 8)), ["no word"]),
        (lambda: WordAttention(4)(None), ["WordAttention", "None"]),
        (lambda: DescriptorEncoder(nn.Linear(2, 4))(None, examples(3)), ["DescriptorEncoder", "None"]),
        (lambda: JointEncoder(nn.Linear(2, 4), SetEncoder(2, 3, 5))(torch.zeros(4, 2), examples(3)), ["(4, 4)", "(3, 5)"]),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_codes_follow_the_dtype_and_device_of_what_they_read():
    """The meta device has shapes and no numbers, and shows it without another one."""
    encoder = SetEncoder(2, 3, 4).to("meta")
    D = Examples(torch.zeros(3, 5, 2, device="meta"), torch.zeros(3, 5, dtype=torch.long, device="meta"))
    assert encoder(None, D).device.type == "meta"
    joint = JointEncoder(nn.Linear(2, 4, device="meta"), encoder)
    assert joint(torch.zeros(3, 2, device="meta"), D).shape == (3, 8)
    assert WordAttention(4).to("meta")(torch.zeros(3, 8, device="meta")).shape == (3, 48)
    half = SetEncoder(2, 3, 4).bfloat16()
    assert half(None, examples(3).to(torch.bfloat16)).dtype == torch.bfloat16


def test_codes_of_many_tasks_are_those_of_each_inside_vmap(random):
    encoder, D = (
        SetEncoder(2, 3, 4),
        Examples(torch.randn(3, 5, 2, generator=random), torch.randint(3, (3, 5), generator=random)),
    )
    codes = torch.func.vmap(lambda x, y: encoder(None, Examples(x, y)))(D.x, D.y)
    torch.testing.assert_close(codes, encoder(None, D))


def test_a_table_of_codes_has_each_name_once():
    assert Learned(np.array(["a", "b"]), 3).names == ["a", "b"]
    for names in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="at least one name, and no name twice"):
            Learned(names, 3)
