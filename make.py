"""Sets everything up and opens the course, or runs every test; `make` calls it, and without make it works by itself.

    python make.py lab          on Windows: py make.py lab
    python make.py test -k sliders

It asks for nothing but the standard library. Its syntax is that of Python 3.6, so that an older Python can say what is missing.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"hyperedu needs Python 3.11 or newer, and {sys.executable} is Python {platform.python_version()}: "
        "call make.py with a newer one, which python.org has (on Windows: py -3.13 make.py lab)."
    )

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
# Where a learner works: git knows nothing of it, so that an update of the course never meets what they have done.
GIVEN, MINE = os.path.join(ROOT, "notebooks"), os.path.join(ROOT, "my-lessons")
TEACHING = "teaching"  # the teacher's edition, which is handed out to who asks for it
LEDGER = ".handed-out.json"
STAMP = os.path.join(VENV, ".ready")

TARGETS = {
    "lab": "set everything up and open the course in JupyterLab",
    "lessons": "bring the lessons in my-lessons/ up to date, as lab does",
    "test": "set everything up and run every test",
    "notebooks": "build, run and check every edition of the lessons, where something changed",
    "slides": "write the slides of the lessons to dist/slides, as pages that need no network",
    "grading": "write a course for nbgrader, or run nbgrader in one (course/grading.py)",
    "class": "write a page on what a class got wrong, from the notebooks handed in (course/class_page.py)",
    "release": "write the course of the last commit as one archive for a class (course/release.py)",
    "lint": "check the style and the types of the code",
    "constraints": "write the versions that are installed now to constraints.txt",
    "clean": "remove the environment",
}
TAKE_ARGUMENTS = ("lab", "test", "notebooks", "slides", "grading", "class", "release")

# What the pinned torch has wheels for; a test recalls to look again when the pin is changed.
NEWEST_PYTHON = (3, 14)
OLDEST_MACOS = 14
OLDEST_GLIBC = (2, 28)
PYTHONS = "Python 3.11 to 3.14 from python.org"
ELSEWHERE = "use a computer with Linux, Windows or Apple silicon, or a hosted notebook"

# The sizes of torch 2.13: the CPU build is 192 MB, the ordinary one 2.74 GB on x86-64 and 2.87 GB on ARM.
CPU_SIZE = "about 200 MB"
CUDA_SIZE = "close to 3 GB"
# The index of the CPU builds is asked once and briefly: where it is out of reach, nobody should wait for retries.
BRIEFLY = {"UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_TIMEOUT": "5"}


def say(sentence):
    print(sentence, flush=True)  # before what the commands print


def venv_python() -> str:
    folder, name = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return os.path.join(VENV, folder, name)


def obstacle():
    """Why the packages cannot be had for this Python on this machine, and what to do, in one sentence; None if they can."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        return f"{sys.executable} lacks the modules venv and ensurepip: install them (on Debian: apt install python3-venv)."
    if platform.python_implementation() != "CPython":
        return f"This is {platform.python_implementation()}, for which torch has no build: use {PYTHONS}."
    if tuple(sys.version_info[:2]) > NEWEST_PYTHON:
        return f"torch has no build for Python {platform.python_version()} yet: use {PYTHONS}."
    if sysconfig.get_config_var("Py_GIL_DISABLED") and sys.version_info < (3, 14):
        return f"torch has no build for the free-threaded Python 3.13: use the ordinary {PYTHONS}."
    if sys.maxsize < 2**32:
        return f"This is a 32-bit Python, for which torch has no build: use the 64-bit {PYTHONS}."
    known = {"darwin": _obstacle_on_macos, "win32": _obstacle_on_windows, "linux": _obstacle_on_linux}
    if sys.platform not in known:
        return f"torch has no build for {sys.platform}: {ELSEWHERE}."
    return known[sys.platform]()


def _obstacle_on_macos():
    if platform.machine() != "arm64":
        if _is_apple_silicon():
            return f"This Python is for Intel, but the Mac has Apple silicon: use {PYTHONS}, in a terminal without Rosetta."
        return f"torch has no build for Macs with an Intel processor since version 2.3: {ELSEWHERE}."
    release = platform.mac_ver()[0]
    if int(release.split(".")[0]) < OLDEST_MACOS:
        return f"torch needs macOS {OLDEST_MACOS} or newer, and this is {release}: update macOS, or use a hosted notebook."
    return None


def _is_apple_silicon() -> bool:
    """Asked of the system, since an Intel Python that Rosetta runs sees an Intel processor."""
    try:
        said = subprocess.run(["sysctl", "-n", "hw.optional.arm64"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return said.stdout.strip() == b"1"


def _obstacle_on_windows():
    build = sysconfig.get_platform()  # of this Python: platform.machine() may be the processor's, which runs others too
    if build == "win-arm64":
        return f"torch has no build on PyPI for Windows on ARM: use the 64-bit (AMD64) {PYTHONS}, which runs there too."
    if build != "win-amd64":
        return f"This is a Python of {build}, for which torch has no build: use {PYTHONS}."
    return None


def _obstacle_on_linux():
    machine, (libc, version) = platform.machine(), platform.libc_ver()
    if machine not in ("x86_64", "aarch64"):
        return f"torch has no build for Linux on {machine}: use a computer with an x86-64 or 64-bit ARM processor."
    if libc != "glibc":
        return "torch needs a Linux with glibc, not one with musl, as Alpine is: use Debian, Ubuntu or Fedora."
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_GLIBC:
        return f"torch needs glibc 2.28 or newer, and this is {version}: use a Linux from 2019 or later."
    return None


def has_nvidia_card() -> bool:
    if os.path.exists("/proc/driver/nvidia/version"):
        return True
    try:
        asked = subprocess.run(["nvidia-smi", "-L"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def read(name) -> str:
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def pip(*arguments) -> list:
    return [venv_python(), "-m", "pip", *arguments]


def installation() -> list:
    """The command that installs everything that is not there yet."""
    # Bytecode is for the first import: of most modules there never is one, and to compile them all takes half a minute.
    return pip("install", "--no-compile", "--disable-pip-version-check", "-c", "constraints.txt", "-e", ".[text,test,dev]")


def cpu_torch() -> list:
    """The command that installs torch from the index of its CPU builds, whose address uv knows, and from nowhere else."""
    pin = re.search(r"^torch==\S+", read("constraints.txt"), re.MULTILINE).group()
    target = ["--no-config", "--python", venv_python(), "--no-deps", "--torch-backend=cpu"]
    return [venv_python(), "-m", "uv", "pip", "install", *target, pin]


def commands(target, arguments, teacher=False) -> list:
    """What a target runs once everything is set up."""
    python = venv_python()
    if target == "lab":
        # JupyterLab refuses to run as root, as in a container, unless told that it may.
        root = ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        folder = "my-lessons/teaching" if teacher else "my-lessons"
        first = f"--LabApp.default_url=/lab/tree/{folder}/00_start_here.ipynb"
        return [[python, "-m", "jupyterlab", "--ip=127.0.0.1", *root, first, *arguments]]
    if target == "test":
        # All tests: two at a time, the browser's one after another, since there is one browser.
        return [[python, "-m", "pytest", *(arguments or ["-n", "2", "--dist", "loadgroup"])]]
    scripts = {
        "notebooks": ["build.py"],
        "slides": ["slides.py"],
        "grading": ["grading.py"],
        "class": ["class_page.py"],
        "release": ["release.py", "write"],
    }
    if target in scripts:
        script, *command = scripts[target]
        return [[python, os.path.join("course", script), *command, *arguments]]
    return [[python, "-m", *check] for check in (["mypy"], ["ruff", "check"], ["ruff", "format", "--check"])]


def hand_out(teacher=False):
    """Copy every lesson to where learners work, and put new ones in place of those that nobody has touched.

    A lesson that a learner has saved stays as it is; if the course has a newer one, that is put beside it. What was handed out
    last is known by its digest, in a file of its own.
    """
    ledger = os.path.join(MINE, LEDGER)
    given = {}
    if os.path.exists(ledger):
        with open(ledger, encoding="utf-8") as file:
            given = json.load(file)
    for root, place in [(GIVEN, "")] + [(os.path.join(ROOT, TEACHING), TEACHING)] * teacher:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in names if name.endswith(".ipynb")):
                new = os.path.join(folder, name)
                _hand_out(new, os.path.normpath(os.path.join(place, os.path.relpath(new, root))), given)
    os.makedirs(MINE, exist_ok=True)
    with open(ledger + ".new", "w", encoding="utf-8") as file:
        json.dump(given, file, indent=1, sort_keys=True)
    os.replace(ledger + ".new", ledger)


def _hand_out(new, name, given):
    key = name.replace(os.sep, "/")
    digest, last = _digest(new), given.get(key)
    if last == digest and os.path.exists(os.path.join(MINE, name)):
        return
    beside, places = name[: -len(".ipynb")] + ".new{}.ipynb", [name]
    # The first that is free, or that nobody has changed since it was put there.
    while os.path.exists(os.path.join(MINE, places[-1])) and _digest(os.path.join(MINE, places[-1])) not in (last, digest):
        places.append(beside.format("" if len(places) == 1 else f"-{len(places)}"))
    if len(places) > 1:
        say(f"{name} is yours and stays; the course has a newer one, which is now {places[-1]}")
    os.makedirs(os.path.dirname(os.path.join(MINE, name)), exist_ok=True)
    shutil.copyfile(new, os.path.join(MINE, places[-1]))
    given[key] = digest


def _digest(path) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def environment() -> dict:
    # This environment's kernel, not one that the user has elsewhere. And UTF-8 also where Windows would use cp1252: the
    # path of the project, which an editable installation keeps in a file, may have letters of any alphabet. And bytecode is
    # kept also where that is switched off, as in many containers: else each start would compile all of torch again.
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": ""}


def run(command) -> int:
    return subprocess.run(command, cwd=ROOT, env=environment()).returncode


def succeed(command):
    code = run(command)
    if code:
        sys.exit(f"This failed with code {code}: {' '.join(command)}")


def fingerprint() -> str:
    """Of everything that the environment was made from; of the place too, since an environment cannot be moved."""
    digest = hashlib.sha256(os.fsencode(ROOT))
    for name in ("pyproject.toml", "constraints.txt", "make.py"):
        digest.update(hashlib.sha256(read(name).encode()).digest())
    return digest.hexdigest()


def stamp() -> list:
    """The fingerprint at the end of the last complete installation and, if it was asked for, "gpu"."""
    if not (os.path.exists(STAMP) and os.path.exists(venv_python())):
        return []
    return read(STAMP).split()


def set_up(gpu=False):
    """Make the environment, unless it is there and made from the same files."""
    last = stamp()
    if fingerprint() in last and (not gpu or "gpu" in last):
        return
    problem = obstacle()
    if problem:
        sys.exit(problem)
    if not _pip_works() or (gpu and "gpu" not in last):  # pip would keep the CPU build
        remove_venv()
        say("Making the environment in .venv")
        succeed([sys.executable, "-m", "venv", VENV])
    gpu = gpu or "gpu" in last
    if sys.platform == "linux":
        _install_torch(gpu)
    succeed(installation())
    # JupyterLab asks at its first start whether it may fetch news: not in the way of a lesson.
    settings = os.path.join(VENV, "share", "jupyter", "lab", "settings")
    os.makedirs(settings, exist_ok=True)
    news = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    with open(os.path.join(settings, "overrides.json"), "w", encoding="utf-8") as file:
        json.dump(news, file)
    # The stamp is written last: an installation that was cut off is done again.
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write(" ".join([fingerprint()] + ["gpu"] * gpu))


def _pip_works() -> bool:
    if not os.path.exists(venv_python()):
        return False
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(pip("--version"), env=environment(), **quiet).returncode == 0


def _install_torch(gpu):
    """Without an NVIDIA card its libraries are of no use: the CPU build, unless its index is out of reach.

    For Linux only: elsewhere the ordinary build has no such libraries.
    """
    if gpu or has_nvidia_card():
        say(f"torch comes with NVIDIA's libraries, {CUDA_SIZE}, unless it is here already.")
        return
    succeed(pip("install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt", "uv"))
    command = cpu_torch()
    asked = subprocess.run([*command, "--dry-run"], cwd=ROOT, env={**environment(), **BRIEFLY}, stderr=subprocess.PIPE)
    if asked.returncode == 0:
        say(f"torch comes without NVIDIA's libraries, {CPU_SIZE}, unless it is here already (with them: --gpu).")
        if run(command) == 0:
            return
        why = "see above"
    else:
        why = " ".join(asked.stderr.decode("utf-8", "replace").split("\n")[-2:]).strip()
    say(f"torch without NVIDIA's libraries is out of reach ({why}): it may now come with them, {CUDA_SIZE}.")


def remove_venv():
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        sys.exit("This Python is the environment's own, which is to be removed: run `deactivate` first, or use another Python.")
    if os.path.isdir(VENV):
        shutil.rmtree(VENV)


def write_constraints():
    freeze = pip("freeze", "--exclude-editable", "--exclude", "hyperedu")
    frozen = subprocess.run(freeze, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True).stdout.decode()
    path = os.path.join(ROOT, "constraints.txt")
    with open(path + ".new", "w", encoding="utf-8", newline="\n") as file:
        file.write("# The exact versions that the tests passed with. Written by: make constraints\n")
        file.writelines(re.sub(r"\+cpu$", "", line) + "\n" for line in frozen.splitlines())
    os.replace(path + ".new", path)


def main(arguments) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a console in cp1252 or ASCII, and a folder in another alphabet
    gpu, teacher = "--gpu" in arguments, "--teacher" in arguments
    target, *rest = [argument for argument in arguments if argument not in ("--gpu", "--teacher")] or ["help"]
    if target not in TARGETS:
        for name, does in TARGETS.items():
            say(f"python make.py {name:13}{does}")
        say("What follows lab, test, notebooks, slides, grading, class or release is handed on.")
        say("--gpu: torch with NVIDIA's libraries, also without a card.")
        say("lab --teacher: with the teacher's edition, in my-lessons/teaching.")
        return 0 if target in ("help", "-h", "--help") else 2
    if rest and target not in TAKE_ARGUMENTS:
        sys.exit(f"{target} takes no arguments: {' '.join(rest)}")
    if gpu and sys.platform != "linux":
        sys.exit("--gpu is for Linux: PyPI has one build of torch for Windows and one for macOS, without NVIDIA's libraries.")
    if teacher and not os.path.isdir(os.path.join(ROOT, TEACHING)):
        sys.exit("This copy of the course has no teacher's edition: take the whole course, or call make.py without --teacher.")
    if target == "clean":
        remove_venv()
        return 0
    if target in ("lab", "lessons"):
        hand_out(teacher)
    if target == "lessons":
        return 0
    set_up(gpu)
    if target == "constraints":
        write_constraints()
        return 0
    # Ctrl-C is for the command, which this waits for: JupyterLab asks whether it shall stop.
    signal.signal(signal.SIGINT, lambda *_: None)
    return next((code for code in map(run, commands(target, rest, teacher)) if code), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
