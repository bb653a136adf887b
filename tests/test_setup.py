"""What a fresh machine gets: versions that agree, commands that exist, files that are what they should be."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(lines) -> dict[str, str]:
    """name → exact version."""
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version.strip() for name, version in pairs}


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("line", PROJECT["dependencies"] + EXTRAS["text"] + EXTRAS["test"] + EXTRAS["dev"])
def test_every_dependency_has_a_range_and_a_pinned_version_within_it(line):
    dependency = Requirement(line)
    assert dependency.specifier, "a range is missing"
    assert CONSTRAINTS[canonicalize_name(dependency.name)] in dependency.specifier


def test_this_environment_has_the_pinned_versions():
    for line in PROJECT["dependencies"] + EXTRAS["text"] + EXTRAS["test"]:
        name = canonicalize_name(Requirement(line).name)
        assert importlib.metadata.version(name).split("+")[0] == CONSTRAINTS[name]


def test_conda_users_get_the_same_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (from_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert from_pip[:2] == ["--constraint constraints.txt", "--editable .[text]"]
    wanted = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"] + EXTRAS["text"] + EXTRAS["test"]}
    assert pins(from_pip) == {name: CONSTRAINTS[name] for name in wanted}


def test_every_pinned_version_runs_on_the_oldest_python():
    for distribution in importlib.metadata.distributions():
        if CONSTRAINTS.get(canonicalize_name(distribution.name)) == distribution.version:
            wanted = SpecifierSet(distribution.metadata["Requires-Python"] or "")
            assert wanted.contains("3.11.0"), f"{distribution.name} needs Python {wanted}"


def test_the_oldest_python_is_tested():
    assert PROJECT["requires-python"] == ">=3.11"
    assert sys.version_info >= (3, 11)


def test_the_readme_begins_with_the_two_commands_and_a_picture():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in readme.splitlines() if line]
    assert lines[0].startswith("# hyperedu")
    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make lab", "make test"]
    assert all(f"`py make.py {target}`" in lines[5] for target in ("lab", "test")), "the same without make"
    pictures = re.findall(r"!\[(.+?)\]\((.+?)\)", readme)
    assert pictures
    assert len(pictures[0][0]) > 40, "the picture needs alt text"


def test_every_link_to_a_file_leads_to_one():
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def tracked() -> list[Path]:
    if not shutil.which("git"):
        pytest.skip("no git")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).exists()]


def test_no_file_can_run_code_when_it_is_read():
    for path in tracked():
        assert path.suffix not in (".pkl", ".pickle", ".pt", ".pth", ".joblib"), path
        if path.suffix == ".py" and path != Path(__file__):
            assert not re.search(
                r"import pickle|(?<!safetensors\.)torch\.load\(|allow_pickle=True", path.read_text(encoding="utf-8")
            ), path


def test_no_address_of_a_package_registry_is_written_down():
    for path in tracked():
        if path.suffix in (".toml", ".txt", ".yml", ".yaml", "", ".md") and path.name != "LICENSE":
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not re.search(r"index-url|pypi\.org|pythonhosted|download\.pytorch", text), path


@pytest.mark.parametrize("name", ["make.py", "README.md", "hyperedu/lessons/maml/lesson.py", "constraints.txt"])
def test_text_has_the_same_bytes_on_windows(name):
    """Else the fingerprints of the notebooks' sources are others there."""
    tracked()
    said = subprocess.run(["git", "check-attr", "text", "eol", "--", name], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert [line.split(": ")[-1] for line in said.stdout.splitlines()] == ["auto", "lf"]


def without_encoding(source: str) -> list[int]:
    """The lines that read or write text in the encoding of the system, which is cp1252 on Windows."""
    lines = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        modes = [a.value for a in call.args if isinstance(a, ast.Constant) and re.fullmatch(r"[rwaxbt+]+", str(a.value))]
        mode = given.get("mode", "".join(modes))
        is_file = isinstance(call.func, ast.Name) or modes or not (call.args or given)
        text = name in ("read_text", "write_text") or (name == "open" and is_file and "b" not in mode)
        text = text or given.get("text") == "True" or given.get("universal_newlines") == "True"
        if text and "encoding" not in given:
            lines.append(call.lineno)
    return lines


def test_all_text_is_utf_8():
    for path in tracked():
        if path.suffix == ".py":
            assert without_encoding(path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("path.read_text()", True),
        ("path.write_text('ü')", True),
        ("open(path)", True),
        ("open(path, 'a')", True),
        ("path.open()", True),
        ("path.open('w')", True),
        ("subprocess.run(command, text=True)", True),
        ("path.read_text(encoding='utf-8')", False),
        ("open(path, 'rb')", False),
        ("path.open('wb')", False),
        ("lab.open('01.ipynb')", False),
        ("Image.open(stream)", False),
    ],
)
def test_text_in_the_encoding_of_the_system_is_found(line, found):
    assert bool(without_encoding(line)) == found


def test_nothing_is_large():
    """A clone must stay quick: a lesson's pictures are its largest files."""
    for path in tracked():
        assert path.stat().st_size < 1_000_000, path


def test_heavy_parts_load_on_first_use():
    heavy = {"matplotlib", "anywidget", "ipywidgets", "sentence_transformers", "pandas", "sklearn"}
    script = f"import sys, hyperedu; print({heavy} & set(sys.modules)); hyperedu.live.interact"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert said.stdout.strip() == "set()"
