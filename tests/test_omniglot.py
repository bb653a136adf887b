"""Omniglot from archives, and from servers that are cut off, altered, slow, silent, broken: resumed or refused."""

import hashlib
import http.server
import io
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hyperedu import MainNetwork, Omniglot, PrototypicalNetwork, meta_test
from hyperedu.tasks import omniglot
from hyperedu.tasks.omniglot import downloaded

REAL = Path("/work/shared/data/omniglot_images_background_small1.zip")


def archive(alphabets, drawings=20, seed=0):
    """The bytes of a zip of Omniglot's layout: each character is a block of ink of its own size at its own place."""
    random, file = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        for alphabet, n in alphabets.items():
            for c in range(n):
                top, left, side = random.integers(0, 60), random.integers(0, 60), random.integers(15, 45)
                for d in range(drawings):
                    page = np.full((105, 105), 255, np.uint8)
                    page[top + d % 5 : top + side, left + d // 5 : left + side] = 0
                    png = io.BytesIO()
                    Image.fromarray(page).convert("1").save(png, "PNG")
                    found.writestr(f"images/{alphabet}/character{c + 1:02}/{c + 1:04}_{d + 1:02}.png", png.getvalue())
        found.writestr("images/readme.txt", "no drawing")
    return file.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("omniglot") / "small.zip"
    path.write_bytes(archive({"Runic": 6, "Ogham": 7, "Futhark": 5}))
    return path


# ------------------------------------------------------------------------------------------------------------- archives


def test_alphabets_are_split_and_drawings_never_repeated(small, random):
    family = Omniglot(small, test=("Ogham",))
    assert family.test.names == ["Ogham"]
    assert family.train.names == ["Futhark", "Runic"]
    batch = family.test.sample(30, 3, 17, random, ways=7)
    images = torch.cat([batch.support.x, batch.query.x], 1)
    assert images.shape == (30, 140, 1, 28, 28)
    own = {tuple(image.flatten().tolist()) for image in family.test.images.flatten(0, 1)}
    for task in images:
        assert len({tuple((255 * one).round().int().flatten().tolist()) for one in task}) == len(own) == 140
    labels = batch.properties["character"][:, 0].unique()
    assert len(labels) > 3, "any character has any label"


def test_an_image_is_the_mean_ink_of_its_pixels(small):
    with zipfile.ZipFile(small) as found:
        names = sorted(n for n in found.namelist() if "Ogham/character03" in n)
        page = 1 - np.asarray(Image.open(io.BytesIO(found.read(names[7]))), dtype=np.float32)
    x = Omniglot(small, test=("Ogham",)).test.images[2, 7] / 255
    assert x.mean().item() == pytest.approx(page.mean(), abs=0.01)
    assert x[0, 0].item() == pytest.approx(page[:4, :4].mean(), abs=0.01)  # its area is 3.75 pixels wide


def test_rotations_are_three_more_characters_of_training_alone(small, random):
    plain, more = Omniglot(small, test=("Ogham",)), Omniglot(small, test=("Ogham",), rotations=True)
    assert len(more.train.images) == 4 * len(plain.train.images)
    assert len(more.test.images) == len(plain.test.images)
    n = len(plain.train.images)
    assert torch.equal(more.train.images[n : 2 * n], plain.train.images.rot90(1, (-2, -1)))
    assert more.train.alphabets[n] == f"{plain.train.alphabets[0]}, 90°"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: Omniglot(path / "none.zip", test=("Ogham",)), ["no file", "Characters()"]),
        (lambda path: Omniglot(whole(path)), ["held out", "Runic"]),
        (lambda path: Omniglot(whole(path), test="Runic"), ["held out"]),
        (lambda path: Omniglot(whole(path), test=("Klingon",)), ["Klingon", "Runic"]),
        (lambda path: Omniglot(test=("Greek",)), ["published split"]),
        (lambda path: Omniglot(written(path, b"PK not a zip"), test=("Runic",)), ["no whole zip"]),
        (lambda path: Omniglot(written(path, archive({"Runic": 6})[:-400]), test=("Runic",)), ["no whole zip"]),
        (lambda path: Omniglot(written(path, archive({})), test=("Runic",)), ["no drawings"]),
        (lambda path: Omniglot(written(path, archive({"Runic": 6}, 19)), test=("Runic",)), ["19 drawings", "Runic"]),
        (lambda path: Omniglot(whole(path), test=("Runic",)).test.sample(2, 10, 11), ["10 shots", "20 drawings"]),
        (lambda path: Omniglot(whole(path), test=("Runic",)).test.sample(2, ways=7), ["7 ways", "6"]),
        (lambda path: Omniglot(whole(path), test=("Runic",), ways=9), ["9 ways", "6"]),
    ],
)  # fmt: skip
def test_what_is_no_archive_gets_a_sentence(make, words, tmp_path):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        make(tmp_path)
    assert all(word in str(error.value) for word in words), error.value


def written(folder, content):
    path = folder / "archive.zip"
    path.write_bytes(content)
    return path


def whole(folder):
    return written(folder, archive({"Runic": 6, "Ogham": 9}))


def test_a_set_for_tests_alone(small):
    family = Omniglot(small, test=("Runic", "Ogham", "Futhark"))
    assert family.train is None
    assert meta_test(PrototypicalNetwork(MainNetwork.conv((1, 28, 28), ())), family.test, 1, 5, 50).accuracy > 0.5


@pytest.mark.skipif(not REAL.exists(), reason="five real alphabets, which are not part of the project")
def test_five_real_alphabets(random):
    family = Omniglot(REAL, test=("Greek", "Korean"))
    assert family.train.names == ["Balinese", "Early_Aramaic", "Latin"]
    assert {name: len(m) for name, m in zip(family.test.names, family.test.members, strict=True)} == {"Greek": 24, "Korean": 40}
    pixels = meta_test(PrototypicalNetwork(MainNetwork.conv((1, 28, 28), ())), family.test, 1, 5, 300)
    assert pixels.accuracy == pytest.approx(0.42, abs=0.05)  # 20% is chance


# ------------------------------------------------------------------------------------------------------------ downloads


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `content`, in the way that `how` says; `asked` has the Range of each request."""

    content, how, asked = b"", "whole", []

    def do_GET(self):
        kind = type(self)
        kind.asked.append(self.headers.get("Range"))
        begin = int(self.headers["Range"].split("=")[1].rstrip("-")) if self.headers.get("Range") else 0
        if kind.how in ("404", "500"):
            self.send_error(int(kind.how))
            return
        if kind.how == "no ranges":
            begin = 0
        content = kind.content[::-1] if kind.how == "altered" else kind.content
        if begin >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        cut = (
            kind.how == "cut"
            or (kind.how == "cut once" and len(kind.asked) == 1)
            or (kind.how == "no ranges" and len(kind.asked) == 1)
        )
        end = begin + (len(content) - begin) // 2 if cut or kind.how == "silent" else len(content)
        for at in range(begin, end, 2000):
            self.wfile.write(content[at : min(at + 2000, end)])
            if kind.how == "slow":
                time.sleep(0.01)
        if kind.how == "silent":
            time.sleep(1.5)

    def log_message(self, *args):
        pass


@pytest.fixture
def served(monkeypatch):
    kind = type("Here", (Server,), {"content": archive({"Runic": 6, "Ogham": 5}), "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    published = hashlib.md5(kind.content).hexdigest()
    monkeypatch.setattr(omniglot, "PUBLISHED", {"one.zip": published})
    monkeypatch.setattr(omniglot, "PATIENCE", 0.5)
    kind.url = f"http://127.0.0.1:{server.server_port}/"
    yield kind
    server.shutdown()
    server.server_close()


def test_a_download_is_whole_checked_and_made_once(served, tmp_path):
    path = downloaded("one.zip", tmp_path, served.url)
    assert path.read_bytes() == served.content
    assert downloaded("one.zip", tmp_path, served.url) == path
    assert len(served.asked) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["one.zip"]


@pytest.mark.parametrize("how", ["cut once", "slow", "no ranges"])
def test_what_is_cut_off_goes_on_where_it_was(served, tmp_path, how):
    served.how = how
    assert downloaded("one.zip", tmp_path, served.url).read_bytes() == served.content
    if how != "slow":
        assert len(served.asked) == 2
        assert served.asked[1].startswith("bytes=")
        assert 0 < int(served.asked[1][6:-1]) < len(served.content)


@pytest.mark.parametrize(
    ("how", "words"), [("cut", "bytes are kept"), ("silent", "bytes are kept"), ("404", "404"), ("500", "500")]
)
def test_what_fails_says_so_and_leaves_nothing_under_its_name(served, tmp_path, how, words):
    served.how = how
    with pytest.raises(OSError, match=words) as error:
        downloaded("one.zip", tmp_path, served.url)
    assert "Characters()" in str(error.value)
    assert not (tmp_path / "one.zip").exists()
    assert len(served.asked) == (1 if how == "404" else omniglot.TRIES)
    served.how = "whole"
    assert downloaded("one.zip", tmp_path, served.url).read_bytes() == served.content


def test_what_is_altered_is_thrown_away(served, tmp_path):
    served.how = "altered"
    with pytest.raises(OSError, match="not the file that was published"):
        downloaded("one.zip", tmp_path, served.url)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_is_already_whole_is_only_checked(served, tmp_path):
    (tmp_path / "one.zip.part").write_bytes(served.content)
    assert downloaded("one.zip", tmp_path, served.url).read_bytes() == served.content


def test_without_a_network_it_says_what_can_be_done(tmp_path, monkeypatch):
    monkeypatch.setattr(omniglot, "PUBLISHED", {"one.zip": ""})
    with pytest.raises(OSError, match=r"Characters\(\)"):
        downloaded("one.zip", tmp_path, "http://127.0.0.1:9/")
    assert list(tmp_path.iterdir()) == []


def test_the_published_split_is_that_of_its_two_archives(tmp_path, monkeypatch, random):
    contents = {
        "images_background.zip": archive({"Runic": 6, "Ogham": 5}),
        "images_evaluation.zip": archive({"Futhark": 5}, seed=1),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("HYPEREDU_DATA", str(tmp_path))
    family = Omniglot()
    assert family.train.names == ["Ogham", "Runic"]
    assert family.test.names == ["Futhark"]
