"""The script behind `make`, on the machines that readers have. Where a test's docstring says so, the machine is simulated."""

import ast
import contextlib
import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import lab

ROOT = Path(__file__).parent.parent
MADE_FROM = ("make.py", "pyproject.toml", "constraints.txt")
INSTALL = ["install", "--no-compile", "--disable-pip-version-check", "-c", "constraints.txt", "-e", ".[text,test,dev]"]

# In place of a module that would download or stay open: notes how it was called.
STAND_IN = """
import json, os, sys
module = os.path.basename(os.path.dirname(__file__))
with open(os.environ["CALLS"], "a", encoding="utf-8") as file:
    print(json.dumps([sys.executable, os.getcwd(), os.environ.get("PYTHONUTF8"), module, *sys.argv[1:]]), file=file)
sys.exit(7 if module + " " + sys.argv[1] == os.environ.get("FAIL") else 0)
"""


def load(folder: Path):
    """make.py as a module that has its environment in this folder."""
    for name in MADE_FROM:
        shutil.copy(ROOT / name, folder)
    spec = importlib.util.spec_from_file_location("make_script", folder / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make(tmp_path):
    return load(tmp_path)


@pytest.fixture
def calls(make, monkeypatch):
    """Every command that the script runs, without running it; all succeed, and the environment is there."""
    seen = []
    fake = SimpleNamespace(returncode=0, stdout=b"", stderr=b"")
    monkeypatch.setattr(make.subprocess, "run", lambda command, **_: seen.append(command) or fake)
    monkeypatch.setattr(make, "obstacle", lambda: None)
    monkeypatch.setattr(make, "has_nvidia_card", lambda: False)
    monkeypatch.setattr(make.signal, "signal", lambda *_: None)
    python = Path(make.venv_python())
    python.parent.mkdir(parents=True)
    python.touch()
    return seen


def modules(calls) -> list[str]:
    """What was run, each as its module and first word: `pip install`."""
    return [" ".join(command[2:4]) if command[1] == "-m" else command[1] for command in calls]


# The commands


def test_the_course_opens_on_this_computer_only_and_with_a_token_of_its_own(make):
    (command,) = make.commands("lab", ["--no-browser"])
    assert command[1:3] == ["-m", "jupyterlab"]
    assert "--ip=127.0.0.1" in command
    assert "--LabApp.default_url=/lab/tree/my-lessons/00_start_here.ipynb" in command
    assert command[-1] == "--no-browser"
    assert "token" not in " ".join(command), "the token is JupyterLab's own"
    assert (ROOT / "notebooks" / "00_start_here.ipynb").exists()


@pytest.mark.parametrize(("user", "told"), [(0, True), (1000, False), (None, False)])
def test_only_root_is_allowed_to_be_root(make, monkeypatch, user, told):
    """Windows, which has no getuid, is simulated."""
    monkeypatch.delattr(make.os, "getuid", raising=False)
    if user is not None:
        monkeypatch.setattr(make.os, "getuid", lambda: user, raising=False)
    assert ("--allow-root" in make.commands("lab", [])[0]) == told


@pytest.mark.parametrize(
    ("platform", "program"), [("linux", "bin/python"), ("darwin", "bin/python"), ("win32", "Scripts/python.exe")]
)
def test_the_environments_python_is_where_each_system_has_it(make, monkeypatch, platform, program):
    """Windows and macOS are simulated."""
    monkeypatch.setattr(make, "sys", SimpleNamespace(platform=platform))
    assert Path(make.venv_python()) == Path(make.VENV, program)
    for target in ("lab", "test", "notebooks", "lint"):
        for command in make.commands(target, []):
            assert Path(command[0]) == Path(make.VENV, program), "scripts of an environment fail where its path has spaces"


@pytest.mark.parametrize("target", ["lab", "test", "notebooks", "class", "release"])
def test_arguments_are_handed_on_as_they_are(make, calls, target):
    given = ["-k", "a b", "--help", "it's", "课程"]
    assert make.main([target, *given]) == 0
    assert calls[-1][-len(given) :] == given


@pytest.mark.parametrize("target", ["lint", "constraints", "clean"])
def test_arguments_that_nothing_would_read_are_refused(make, calls, target):
    with pytest.raises(SystemExit, match="takes no arguments: --fix"):
        make.main([target, "--fix"])
    assert calls == []


@pytest.mark.parametrize(("given", "code"), [([], 0), (["help"], 0), (["--help"], 0), (["tset"], 2), (["-k", "lab"], 2)])
def test_help_names_every_target(make, calls, capsys, given, code):
    assert make.main(given) == code
    said = capsys.readouterr().out
    assert all(f"make.py {target}" in said for target in make.TARGETS)
    assert calls == []


def test_the_exit_code_is_that_of_the_command(make, calls, monkeypatch):
    make.set_up()
    monkeypatch.setattr(make, "run", lambda command: 5 if "check" in command else 0)
    assert make.main(["test"]) == 0
    assert make.main(["lint"]) == 5


def test_all_tests_run_side_by_side_and_those_that_are_named_as_they_are_named(make):
    assert make.commands("test", []) == [[make.venv_python(), "-m", "pytest", "-n", "2", "--dist", "loadgroup"]]
    assert make.commands("test", ["-k", "sliders"]) == [[make.venv_python(), "-m", "pytest", "-k", "sliders"]]


def test_tests_of_a_group_stay_with_one_worker(tmp_path):
    """As those of the one browser must: versions of pytest and pytest-xdist that do not fit scatter them without a word."""
    lines = [
        "import os",
        "import pytest",
        "pytestmark = pytest.mark.xdist_group('all')",
        "@pytest.mark.parametrize('k', range(6))",
    ]
    lines += ["def test(k):", "    print(os.environ['PYTEST_XDIST_WORKER'])"]
    (tmp_path / "test_group.py").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-rP", "--rootdir", str(tmp_path)]
    told = subprocess.run([*command, str(tmp_path)], capture_output=True, encoding="utf-8", cwd=tmp_path, check=True).stdout
    assert "6 passed" in told
    assert len(set(re.findall(r"^gw\d$", told, re.MULTILINE))) == 1


def test_bytecode_is_kept_also_where_python_is_told_not_to(make, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert make.run([sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"]) == 0


# The installation


def test_an_installation_is_done_once(make, calls):
    assert make.main(["test"]) == 0
    assert modules(calls) == ["pip --version", "pip install", "uv pip", "uv pip", "pip install", "pytest -n"]
    assert calls[4][3:] == INSTALL
    calls.clear()
    assert make.main(["test"]) == 0
    assert modules(calls) == ["pytest -n"]
    news = Path(make.VENV, "share/jupyter/lab/settings/overrides.json").read_text(encoding="utf-8")
    assert json.loads(news)["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


@pytest.mark.parametrize("name", [*MADE_FROM, "stamp", "python", "place"])
def test_an_installation_is_done_again_after_a_change(make, calls, name):
    make.set_up()
    calls.clear()
    if name in MADE_FROM:
        with Path(make.ROOT, name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
    elif name == "stamp":  # as `make` left it before: without a fingerprint
        Path(make.STAMP).write_text("", encoding="utf-8")
    elif name == "python":  # the one that the environment was made from is gone
        Path(make.venv_python()).unlink()
    else:  # the folder was renamed
        moved = Path(make.ROOT).with_name("moved")
        shutil.copytree(make.ROOT, moved)
        make.ROOT, make.VENV, make.STAMP = (str(moved), str(moved / ".venv"), str(moved / ".venv" / ".ready"))
    make.set_up()
    assert modules(calls)[-1] == "pip install"
    calls.clear()
    if name != "python":  # the faked venv has made none
        make.set_up()
        assert calls == []


def test_other_line_ends_and_times_are_no_change(make, calls):
    make.set_up()
    calls.clear()
    path = Path(make.ROOT, "pyproject.toml")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    os.utime(path, (0, 0))
    make.set_up()
    assert calls == []


@pytest.mark.parametrize("stop", [SystemExit, KeyboardInterrupt, OSError])
def test_an_installation_that_was_cut_off_is_done_again(make, calls, monkeypatch, stop):
    def cut(command):
        raise stop

    with monkeypatch.context() as during:
        during.setattr(make, "succeed", cut)
        with pytest.raises(stop):
            make.set_up()
    calls.clear()
    make.set_up()
    assert modules(calls)[-1] == "pip install"


def test_a_step_that_fails_ends_with_its_command(make, calls, monkeypatch):
    monkeypatch.setattr(make, "run", lambda command: 3)
    with pytest.raises(SystemExit, match=r"failed with code 3: .*pip install"):
        make.set_up()
    assert not Path(make.STAMP).exists()


def test_the_environment_is_not_removed_under_its_own_python(make, calls, monkeypatch):
    monkeypatch.setattr(make, "sys", SimpleNamespace(**vars(sys) | {"prefix": make.VENV}))
    with pytest.raises(SystemExit, match="deactivate"):
        make.main(["clean"])
    assert Path(make.VENV).exists()
    monkeypatch.setattr(make, "sys", sys)
    assert make.main(["clean"]) == 0
    assert not Path(make.VENV).exists()


def test_constraints_are_written_without_the_build_of_torch(make, calls, monkeypatch):
    make.set_up()
    frozen = SimpleNamespace(stdout=b"numpy==2.4.6\r\ntorch==2.13.0+cpu\r\nx==1+cpu5\r\n", returncode=0)
    monkeypatch.setattr(make.subprocess, "run", lambda *_, **__: frozen)
    assert make.main(["constraints"]) == 0
    lines = Path(make.ROOT, "constraints.txt").read_bytes().split(b"\n")
    assert lines[1:] == [b"numpy==2.4.6", b"torch==2.13.0", b"x==1+cpu5", b""]
    assert lines[0].decode() == (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[0]


# Consoles and folders

CONSOLES = {
    "cp1252": {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "cp437": {"PYTHONIOENCODING": "cp437:strict", "PYTHONUTF8": "0"},
}


def put_stand_ins(folder: Path, *names: str) -> dict[str, str]:
    """The environment variables with which Python finds stand-ins for these modules."""
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / name / "__main__.py").write_text(STAND_IN, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "CALLS": str(folder / "calls")}


def clean_environment(**more: str) -> dict[str, str]:
    python = ("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONPATH", "LC_ALL", "CI")
    return {name: value for name, value in os.environ.items() if name not in python} | more


@pytest.mark.parametrize(
    ("folder", "console"), [("mein Kürs 课程", "cp1252"), ("Курс (2) it's 100%", "ascii"), ("δίκτυα $HOME &", "cp437")]
)
def test_the_two_commands_work_in_any_folder_and_on_any_console(tmp_path, folder, console):
    """The script is run for real, with a real environment, but with stand-ins for what it calls there; a console of
    Windows is simulated by its encoding."""
    home = tmp_path / folder
    home.mkdir()
    for name in MADE_FROM:
        shutil.copy(ROOT / name, home)
    found = put_stand_ins(tmp_path / "stand-ins", "pip", "uv", "jupyterlab", "pytest")
    variables = clean_environment(**CONSOLES[console], **found)
    command = [sys.executable, str(home / "make.py")]
    venv.create(home / ".venv", with_pip=False, symlinks=os.name != "nt")  # as `python -m venv`, but quickly
    for target, fails, code in [("lab", "pip install", 1), ("lab", None, 0), ("test", None, 0), ("test", "pytest a b", 7)]:
        ran = subprocess.run(
            [*command, target, "a b", "-x"], cwd=tmp_path, env=variables | {"FAIL": fails or ""}, capture_output=True
        )
        assert ran.returncode == code, ran.stderr
        assert b"Traceback" not in ran.stderr
        assert (b"This failed with code 7: " in ran.stderr) == (code == 1)
    seen = [json.loads(line) for line in (tmp_path / "stand-ins" / "calls").read_text(encoding="utf-8").splitlines()]
    assert [call[3] for call in seen if call[3] not in ("uv", "pip")] == ["jupyterlab", "pytest", "pytest"]
    assert seen[-4][4:] == INSTALL
    assert [call[-2:] for call in seen[-3:]] == [["a b", "-x"]] * 3
    for python, folder, utf8, *_ in seen:
        assert Path(python).parent.parent == home / ".venv"
        assert os.path.realpath(folder) in (os.path.realpath(home), os.path.realpath(tmp_path))
        assert utf8 == "1"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_is_left_to_the_command(make, monkeypatch):
    """JupyterLab, here a stand-in, asks whether it shall stop, and must not be killed meanwhile."""
    asks = "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.6), sys.exit(5)));"
    asks += "print('ready', flush=True); time.sleep(20)"
    script = (
        f"import sys; sys.path.insert(0, {make.ROOT!r}); import make; make.set_up = lambda gpu: None; "
        f"make.commands = lambda *_: [[sys.executable, '-c', {asks!r}]]; sys.exit(make.main(['lab']))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
    assert process.returncode == 5


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_a_sentence_that_a_console_cannot_show_is_no_error(make, calls, monkeypatch, tmp_path, encoding):
    """The console is simulated by a file with its encoding."""
    out, error = ((tmp_path / name).open("w", encoding=encoding) for name in ("out", "error"))
    monkeypatch.setattr(make, "sys", SimpleNamespace(**vars(sys) | {"stdout": out, "stderr": error}))
    monkeypatch.setattr(make, "print", functools.partial(print, file=out), raising=False)
    make.main(["help"])
    make.say("课程 → Курс \udce4")
    out.close()
    assert "?" in (tmp_path / "out").read_text(encoding=encoding)


def test_a_real_environment_is_made_where_there_is_none(make, monkeypatch):
    ran = []
    monkeypatch.setattr(make, "_install_torch", lambda gpu: None)
    monkeypatch.setattr(make, "installation", lambda: make.pip("--version"))
    monkeypatch.setattr(make, "run", lambda command: ran.append(command) or subprocess.run(command).returncode)
    make.set_up()
    assert [command[1:3] for command in ran] == [["-m", "venv"], ["-m", "pip"]]
    assert make.stamp() == [make.fingerprint()]


# Machines that cannot have torch, and Pythons that cannot run the script


@pytest.fixture
def machine(make, monkeypatch):
    """Lets the script see another machine."""

    def pretend(platform="linux", version=(3, 11, 7), python="CPython", bits=64, cpu="x86_64", build="", libc="glibc 2.36",
                macos="", free_threaded=0, modules=True):  # fmt: skip
        number = ".".join(map(str, version))
        facts = {"platform": platform, "version_info": version, "maxsize": 2 ** (bits - 1) - 1}
        monkeypatch.setattr(make, "sys", SimpleNamespace(**vars(sys) | facts))
        answers = {"python_implementation": python, "python_version": number, "machine": cpu}
        answers |= {"libc_ver": tuple(libc.split()) or ("", ""), "mac_ver": (macos, ("", "", ""), cpu)}
        functions = {name: lambda value=value: value for name, value in answers.items()}
        monkeypatch.setattr(make, "platform", SimpleNamespace(**functions))
        build_of = SimpleNamespace(get_platform=lambda: build, get_config_var={"Py_GIL_DISABLED": free_threaded}.get)
        monkeypatch.setattr(make, "sysconfig", build_of)
        monkeypatch.setattr(make.importlib.util, "find_spec", lambda name: name if modules else None)

    return pretend


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"cpu": "aarch64", "version": (3, 14, 0)},
        {"libc": "glibc 2.28"},
        {"version": (3, 14, 1), "free_threaded": 1},
        {"platform": "win32", "build": "win-amd64", "cpu": "AMD64", "version": (3, 13, 2)},
        {"platform": "win32", "build": "win-amd64", "cpu": "ARM64"},  # an ordinary Python, which Windows on ARM runs
        {"platform": "darwin", "cpu": "arm64", "macos": "14.0"},
        {"platform": "darwin", "cpu": "arm64", "macos": "26.1", "version": (3, 12, 9)},
    ],
)
def test_there_is_nothing_to_say_to_machines_that_can_have_torch(make, machine, facts):
    """The machines are simulated."""
    machine(**facts)
    assert make.obstacle() is None


INTEL_MAC = {"platform": "darwin", "cpu": "x86_64", "macos": "15.1"}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (INTEL_MAC, r"Intel processor since version 2\.3: use .*Apple silicon"),
        (INTEL_MAC | {"macos": "12.7.6", "version": (3, 12, 1)}, r"Intel processor since version 2\.3: use .*hosted notebook"),
        ({"platform": "darwin", "cpu": "arm64", "macos": "13.6.1"}, r"needs macOS 14 .* is 13\.6\.1: update"),
        ({"bits": 32, "cpu": "i686"}, "32-bit Python.*: use the 64-bit Python 3.11"),
        ({"bits": 32, "platform": "win32", "build": "win32"}, "32-bit Python.*: use the 64-bit Python 3.11"),
        ({"platform": "win32", "build": "win-arm64"}, r"Windows on ARM: use the 64-bit \(AMD64\)"),
        ({"platform": "win32", "build": "mingw_x86_64_ucrt"}, "mingw_x86_64_ucrt.*: use Python"),
        ({"libc": ""}, "glibc.*Alpine.*: use Debian"),
        ({"libc": "musl 1.2.5", "cpu": "aarch64"}, "glibc.*Alpine.*: use Debian"),
        ({"libc": "glibc 2.27"}, r"glibc 2\.28 or newer, and this is 2\.27"),
        ({"libc": "glibc 2.9"}, r"glibc 2\.28 or newer, and this is 2\.9"),
        ({"cpu": "riscv64"}, "no build for Linux on riscv64"),
        ({"cpu": "ppc64le"}, "no build for Linux on ppc64le"),
        ({"version": (3, 15, 0)}, r"Python 3\.15\.0 yet: use Python 3\.11 to 3\.14"),
        ({"version": (4, 0, 1), "platform": "win32", "build": "win-amd64"}, r"Python 4\.0\.1 yet"),
        ({"version": (3, 13, 0), "free_threaded": 1}, "free-threaded Python 3.13: use the ordinary"),
        ({"python": "PyPy"}, "This is PyPy, .*: use Python"),
        ({"python": "GraalVM", "platform": "darwin", "cpu": "arm64", "macos": "15.0"}, "This is GraalVM"),
        ({"platform": "freebsd14"}, "no build for freebsd14: use a computer"),
        ({"platform": "cygwin"}, "no build for cygwin: use a computer"),
        ({"modules": False}, "lacks the modules venv and ensurepip.*apt install python3-venv"),
    ],
)
def test_a_machine_that_cannot_have_torch_is_told_before_any_download(make, machine, monkeypatch, tmp_path, facts, sentence):
    """The machines are simulated, and no `sysctl` is found, as if the Mac had no Apple silicon."""
    machine(**facts)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(make, "run", lambda command: pytest.fail(f"ran {command}"))
    with pytest.raises(SystemExit, match=sentence) as said:
        make.main(["lab"])
    assert isinstance(said.value.code, str), "one sentence, and the exit code 1"
    assert said.value.code.count(". ") == 0
    assert not Path(make.VENV).exists()


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for sysctl")
@pytest.mark.parametrize(
    ("answer", "apple"),
    [('[ "$2" = hw.optional.arm64 ] && echo 1', True), ("echo 0", False), ("echo unknown oid >&2; exit 1", False)],
)
def test_an_intel_python_on_apple_silicon_has_its_own_sentence(make, machine, monkeypatch, tmp_path, answer, apple):
    """The Mac is simulated, with a stand-in for its `sysctl`."""
    machine(**INTEL_MAC)
    put_program(tmp_path / "bin" / "sysctl", answer)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert ("Rosetta" in make.obstacle()) == apple


def test_facts_about_torch_are_looked_up_again_when_its_version_changes():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "torch==2.13.0" in pins, "see which wheels this version has, how large they are, and correct make.py and this test"


def test_the_script_can_be_read_by_old_pythons():
    ast.parse((ROOT / "make.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    with pytest.raises(SyntaxError):
        ast.parse("(a := 1)", feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 9, 6), (3, 10, 13)])
def test_an_older_python_says_one_sentence(version):
    """The version is simulated."""
    pretend = f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(ROOT / 'make.py')!r}, run_name='__main__')"
    said = subprocess.run([sys.executable, "-c", pretend, "lab"], capture_output=True, encoding="utf-8")
    assert said.returncode == 1
    assert said.stderr.startswith("hyperedu needs Python 3.11 or newer")
    assert len(said.stderr.splitlines()) == 1


def call_make(*arguments: str) -> subprocess.CompletedProcess:
    """`make`, as if these tests were not run by a `make` themselves."""
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=variables, capture_output=True, encoding="utf-8")


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
@pytest.mark.parametrize("target", ["lab", "test", "notebooks", "release", "lint", "constraints", "clean", "help"])
def test_make_hands_its_targets_to_the_script(target):
    said = call_make("--dry-run", target, "PYTHON3=/opt/my python", "ARGS=-k 'a b'")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == f"\"/opt/my python\" make.py {target} -k 'a b'"


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_without_a_python_says_one_sentence():
    said = call_make("lab", "PYTHON3=")
    assert said.returncode != 0
    assert said.stdout.startswith("hyperedu needs Python 3.11 or newer")


# With and without an NVIDIA card


def put_program(path: Path, answer: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for nvidia-smi")
@pytest.mark.parametrize(
    ("answer", "driver", "card"),
    [("echo GPU 0", False, True), ("exit 9", False, False), (None, False, False), (None, True, True), ("exit 9", True, True)],
)
def test_a_card_is_seen_by_its_driver(make, monkeypatch, tmp_path, answer, driver, card):
    """The card is simulated, by a stand-in for `nvidia-smi`, by what its driver has in /proc, or both."""
    if answer:
        put_program(tmp_path / "bin" / "nvidia-smi", answer)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(make.os.path, "exists", lambda path: driver and path == "/proc/driver/nvidia/version")
    assert make.has_nvidia_card() == card


@pytest.mark.parametrize(
    ("platform", "card", "asked", "cpu"),
    [
        ("linux", False, False, True),
        ("linux", True, False, False),
        ("linux", False, True, False),
        ("darwin", False, False, False),  # has one build only
        ("win32", True, False, False),
    ],
)
def test_the_cpu_build_is_for_linux_without_a_card(make, calls, monkeypatch, capsys, platform, card, asked, cpu):
    """Cards, Windows and macOS are simulated."""
    monkeypatch.setattr(make, "sys", SimpleNamespace(**vars(sys) | {"platform": platform}))
    monkeypatch.setattr(make, "has_nvidia_card", lambda: card)
    Path(make.venv_python()).parent.mkdir(parents=True, exist_ok=True)
    Path(make.venv_python()).touch()
    make.set_up(asked)
    assert ("uv pip" in modules(calls)) == cpu
    said = capsys.readouterr().out
    assert ("200 MB" in said) == cpu
    assert ("3 GB" in said) == (card or asked) * (platform == "linux")


def test_who_asked_for_nvidias_libraries_gets_them_and_keeps_them(make, calls):
    def install(gpu):
        calls.clear()
        make.set_up(gpu)
        Path(make.venv_python()).parent.mkdir(parents=True, exist_ok=True)
        Path(make.venv_python()).touch()  # which the faked venv has not made
        return modules(calls)

    assert "uv pip" in install(gpu=False)
    assert install(gpu=True) == ["pip --version", "venv " + make.VENV, "pip install"]  # anew: pip would keep the other
    make.set_up(True)
    assert install(gpu=True) == []
    assert install(gpu=False) == []
    with Path(make.ROOT, "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert install(gpu=False) == ["pip --version", "pip install"]
    assert make.stamp() == [make.fingerprint(), "gpu"]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_who_asks_for_nvidias_libraries_elsewhere_is_told(make, calls, monkeypatch, platform):
    """Windows and macOS are simulated."""
    monkeypatch.setattr(make, "sys", SimpleNamespace(**vars(sys) | {"platform": platform}))
    with pytest.raises(SystemExit, match="--gpu is for Linux"):
        make.main(["lab", "--gpu"])
    assert calls == []


class Index(http.server.BaseHTTPRequestHandler):
    """A proxy that answers in the place of whatever host it is asked to connect to, as an index with one wheel of torch."""

    protocol_version = "HTTP/1.1"
    home: Path
    release: str
    seen: list[str]

    def do_CONNECT(self):
        host = self.path.split(":")[0]
        self.seen.append(f"CONNECT {host}")
        self.send_response(200)
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(self.home, host))
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def do_GET(self):
        self.seen.append(f"GET {self.path}")
        name = f"torch-{self.release}-py3-none-any.whl"
        page = f'<a href="{name.replace("+", "%2B")}">{name}</a>'.encode()
        body = wheel(self.home, name).read_bytes() if self.path.endswith(".whl") else page
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if self.path.endswith(".whl") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def openssl(home: Path, line: str) -> None:
    subprocess.run(["openssl", *line.split()], cwd=home, check=True, capture_output=True)


KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def certificate(home: Path, host: str) -> tuple[Path, Path]:
    (home / "names").write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n", encoding="utf-8")
    openssl(home, f"req {KEY} -subj /CN=index -keyout key.pem -out request.pem")
    openssl(home, "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out host.pem")
    return home / "host.pem", home / "key.pem"


def wheel(home: Path, name: str) -> Path:
    release = name.split("-")[1]
    folder = f"torch-{release}.dist-info"
    files = {
        "torch/__init__.py": f"__version__ = {release!r}\n",
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {release}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{folder}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{folder}/RECORD"])
    with zipfile.ZipFile(home / name, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return home / name


@pytest.fixture
def index(make, monkeypatch, tmp_path):
    """Sets where uv will find the index of the CPU builds: a function of the release that is there, or of a port.

    The address of the index is built into uv. That uv gets here nevertheless is due to a proxy and to a certificate.
    """
    if os.environ.get("CI") != "true":
        pytest.importorskip("uv", reason="uv comes with the extra dev")
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    import uv

    home = tmp_path / "index"
    home.mkdir()
    openssl(home, f"req -x509 {KEY} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem")
    handler = type("OneIndex", (Index,), {"home": home, "release": None, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    venv.create(make.VENV, with_pip=False, symlinks=os.name != "nt")
    (packages,) = Path(make.VENV).glob("lib/python*/site-packages")
    (packages / "uv.pth").write_text(str(Path(uv.__file__).parent.parent), encoding="utf-8")
    monkeypatch.setattr(make, "has_nvidia_card", lambda: False)
    monkeypatch.setattr(make, "succeed", lambda command: None)  # the installation of uv
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_DIR", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(home / "ca.pem"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    packages = SimpleNamespace(folder=packages, seen=handler.seen)

    def at(release=None, port=server.server_port):
        handler.release = release
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        start = time.monotonic()
        make._install_torch(gpu=False)
        packages.seconds = time.monotonic() - start
        return packages

    yield at
    server.shutdown()
    server.server_close()


def installed(packages) -> list[str]:
    return [path.name for path in packages.folder.glob("torch-*")]


@pytest.mark.skipif(sys.platform != "linux", reason="the CPU build is for Linux")
class TestTheIndexOfTheCPUBuilds:
    def test_gives_the_pinned_torch_whatever_a_user_has_configured(self, make, index, capfd):
        Path(make.ROOT, "uv.toml").write_text("[pip]\nno-index = true\n", encoding="utf-8")
        packages = index("2.13.0+cpu")
        assert installed(packages) == ["torch-2.13.0+cpu.dist-info"]
        assert len({line for line in packages.seen if line.startswith("CONNECT")}) == 1, "nothing else is asked"
        assert all("/cpu/torch/" in line for line in packages.seen if line.startswith("GET"))
        said = capfd.readouterr().out
        assert "about 200 MB" in said
        assert "3 GB" not in said

    @pytest.mark.parametrize("release", ["2.12.1+cpu", "2.14.0+cpu", "2.13.1+cpu"])
    def test_is_left_if_it_lacks_the_pinned_torch(self, index, capfd, release):
        packages = index(release)
        assert installed(packages) == []
        assert len({line for line in packages.seen if line.startswith("CONNECT")}) == 1, "uv must not look elsewhere"
        said = capfd.readouterr().out
        assert "out of reach" in said
        assert "3 GB" in said
        assert "about 200 MB" not in said

    @pytest.mark.parametrize("listens", [True, False])
    def test_is_left_within_seconds_if_it_does_not_answer(self, make, monkeypatch, index, capfd, listens):
        assert all(int(value) <= 5 for value in make.BRIEFLY.values())
        monkeypatch.setattr(make, "BRIEFLY", {name: str(min(1, int(value))) for name, value in make.BRIEFLY.items()})
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            if listens:
                mute.listen()
            packages = index(port=mute.getsockname()[1])
        assert installed(packages) == []
        assert packages.seconds < 5
        assert "3 GB" in capfd.readouterr().out


# Browsers


@pytest.fixture
def no_browser(monkeypatch, tmp_path):
    """A computer without a browser, for which browsers can be made up."""
    for name in ("HYPEREDU_CHROMIUM", "ProgramFiles", "ProgramFiles(x86)", "LocalAppData"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(lab.Path, "home", lambda: tmp_path / "home")
    real = Path.is_file
    monkeypatch.setattr(lab.Path, "is_file", lambda path: path.is_relative_to(tmp_path) and real(path))
    return tmp_path


OWN = "playwright/chromium-1200/chrome"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_no_browser_is_found_where_there_is_none(no_browser, monkeypatch, platform):
    """Windows and macOS are simulated."""
    monkeypatch.setattr(lab, "sys", SimpleNamespace(platform=platform))
    assert lab.find_browser(str(no_browser / OWN)) is None


@pytest.mark.parametrize(
    ("platform", "program"),
    [
        ("linux", "bin/chromium"),
        ("linux", "bin/google-chrome-stable"),
        ("linux", "bin/microsoft-edge"),
        ("darwin", "home/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("darwin", "home/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
        ("darwin", "home/Applications/Chromium.app/Contents/MacOS/Chromium"),
        ("win32", "Program Files/Google/Chrome/Application/chrome.exe"),
        ("win32", "Program Files (x86)/Microsoft/Edge/Application/msedge.exe"),
        ("win32", "Local Ünser/Google/Chrome/Application/chrome.exe"),
        ("linux", OWN),
        ("darwin", OWN),
        ("win32", OWN),
    ],
)
def test_a_browser_is_found_where_it_is(no_browser, monkeypatch, platform, program):
    """Windows, macOS and the browsers are simulated, by empty programs at their places."""
    monkeypatch.setattr(lab, "sys", SimpleNamespace(platform=platform))
    names = {"ProgramFiles": "Program Files", "ProgramFiles(x86)": "Program Files (x86)", "LocalAppData": "Local Ünser"}
    for name, folder in names.items():
        monkeypatch.setenv(name, str(no_browser / folder))
    put_program(no_browser / program, "exit")
    assert lab.find_browser(str(no_browser / OWN)) == str(no_browser / program)


@pytest.mark.parametrize(
    ("platform", "program"),
    [
        ("linux", "/snap/bin/chromium"),
        ("linux", "/opt/google/chrome/chrome"),
        ("darwin", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("darwin", "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
    ],
)
def test_a_browser_for_all_users_is_found(no_browser, monkeypatch, platform, program):
    """The systems and their files are simulated."""
    monkeypatch.setattr(lab, "sys", SimpleNamespace(platform=platform))
    monkeypatch.setattr(lab.Path, "is_file", lambda path: path.as_posix() == program)
    assert lab.find_browser(OWN) == str(Path(program))


@pytest.mark.parametrize("there", [True, False])
def test_the_named_browser_is_the_only_one(no_browser, monkeypatch, there):
    put_program(no_browser / "bin" / "chromium", "exit")
    if there:
        put_program(no_browser / "mine", "exit")
    monkeypatch.setenv("HYPEREDU_CHROMIUM", str(no_browser / "mine"))
    assert lab.find_browser(OWN) == (str(no_browser / "mine") if there else None)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception), (None, pytest.skip.Exception)]
)
def test_a_missing_browser_fails_in_ci_only(no_browser, monkeypatch, ci, outcome):
    own = SimpleNamespace(chromium=SimpleNamespace(executable_path=str(no_browser / OWN)))
    monkeypatch.setattr(lab, "sync_playwright", lambda: contextlib.nullcontext(own))
    monkeypatch.setenv("CI", ci) if ci is not None else monkeypatch.delenv("CI", raising=False)
    with pytest.raises(outcome, match="no Chromium, Chrome or Edge"), lab.jupyterlab():
        pass


def test_what_was_not_tested_without_a_browser_is_said_last(tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_browser.py", "-k", "storm or dark"]
    variables = clean_environment(HYPEREDU_CHROMIUM=str(tmp_path / "none"), PYTHONPATH=str(ROOT))
    ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stdout
    last = ran.stdout.splitlines()[-2]
    assert last.startswith("Not tested: 2 tests of what a reader sees in a browser: no Chromium, Chrome or Edge: install one")


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def handed_out(make, tmp_path):
    """Two lessons, handed out; gives where the course has them and where the learner does."""
    for name in ("00_one.ipynb", "solutions/00_one.ipynb", ".ipynb_checkpoints/00_one-checkpoint.ipynb"):
        written(tmp_path / "notebooks" / name, "first")
    make.hand_out()
    return tmp_path / "notebooks", tmp_path / "my-lessons"


def test_lessons_are_handed_out(handed_out):
    _, mine = handed_out
    assert {path.relative_to(mine).as_posix() for path in mine.rglob("*.ipynb")} == {"00_one.ipynb", "solutions/00_one.ipynb"}


def test_a_course_without_its_solutions_hands_out_the_lessons(make, tmp_path):
    written(tmp_path / "notebooks" / "00_one.ipynb", "first")
    make.hand_out(teacher=True)  # of which there is none
    assert [path.name for path in (tmp_path / "my-lessons").rglob("*.ipynb")] == ["00_one.ipynb"]


def test_the_teachers_edition_is_handed_out_to_who_asks_for_it(make, handed_out, tmp_path):
    _, mine = handed_out
    written(tmp_path / "teaching" / "00_one.ipynb", "with notes")
    make.hand_out()
    assert not (mine / "teaching").exists()
    make.hand_out(teacher=True)
    assert (mine / "teaching" / "00_one.ipynb").read_text(encoding="utf-8") == "with notes"
    assert (mine / "00_one.ipynb").read_text(encoding="utf-8") == "first"
    (command,) = make.commands("lab", [], teacher=True)
    assert "--LabApp.default_url=/lab/tree/my-lessons/teaching/00_start_here.ipynb" in command


def test_a_lesson_that_nobody_touched_is_brought_up_to_date(make, handed_out, capsys):
    course, mine = handed_out
    written(course / "00_one.ipynb", "second")
    make.hand_out()
    assert (mine / "00_one.ipynb").read_text(encoding="utf-8") == "second"
    assert capsys.readouterr().out == ""


def test_a_lesson_that_a_learner_saved_stays_and_the_newer_one_is_put_beside_it(make, handed_out, capsys):
    course, mine = handed_out
    written(mine / "00_one.ipynb", "with answers")
    make.hand_out()
    assert len(list(mine.glob("*.ipynb"))) == 1, "there is no newer one"
    written(course / "00_one.ipynb", "second")
    for _ in range(2):
        make.hand_out()
    assert capsys.readouterr().out.count("00_one.ipynb is yours and stays") == 1
    assert (mine / "00_one.ipynb").read_text(encoding="utf-8") == "with answers"
    assert (mine / "00_one.new.ipynb").read_text(encoding="utf-8") == "second"
    written(course / "00_one.ipynb", "third")
    make.hand_out()
    assert (mine / "00_one.new.ipynb").read_text(encoding="utf-8") == "third", "nobody had touched it"
    written(mine / "00_one.new.ipynb", "more answers")
    written(course / "00_one.ipynb", "fourth")
    make.hand_out()
    said = {path.name: path.read_text(encoding="utf-8") for path in mine.glob("*.ipynb")}
    assert said == {"00_one.ipynb": "with answers", "00_one.new.ipynb": "more answers", "00_one.new-2.ipynb": "fourth"}


def test_a_lesson_that_was_thrown_away_comes_again(make, handed_out):
    _, mine = handed_out
    (mine / "00_one.ipynb").unlink()
    make.hand_out()
    assert (mine / "00_one.ipynb").read_text(encoding="utf-8") == "first"


def test_an_update_of_the_course_meets_nothing_that_a_learner_has_done(tmp_path):
    """The course's own .gitignore, a real git, and a lesson that was run and saved on one side and built anew on the other."""

    def git(folder, *command):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]
        said = subprocess.run(["git", *who, *command], cwd=folder, capture_output=True, encoding="utf-8")
        assert said.returncode == 0, said.stderr
        return said.stdout

    course, clone = tmp_path / "course", tmp_path / "clone"
    written(course / "notebooks" / "00_one.ipynb", "first")
    shutil.copy(ROOT / ".gitignore", course)
    shutil.copy(ROOT / "make.py", course)
    for command in (["init"], ["add", "-A"], ["commit", "-m", "first"]):
        git(course, *command)
    git(tmp_path, "clone", str(course), str(clone))
    subprocess.run([sys.executable, "make.py", "lessons"], cwd=clone, check=True)
    written(clone / "my-lessons" / "00_one.ipynb", "with answers")
    written(course / "notebooks" / "00_one.ipynb", "second")
    git(course, "commit", "-am", "second")
    git(clone, "pull", "--ff-only")
    subprocess.run([sys.executable, "make.py", "lessons"], cwd=clone, check=True)
    assert git(clone, "status", "--porcelain") == ""
    said = {path.name: path.read_text(encoding="utf-8") for path in (clone / "my-lessons").glob("*.ipynb")}
    assert said == {"00_one.ipynb": "with answers", "00_one.new.ipynb": "second"}
