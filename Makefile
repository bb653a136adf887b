# make lab: set everything up and open the course.  make test: set everything up and run every test.
VENV := .venv
PYTHON := $(VENV)/bin/python
# The oldest supported Python first: it is the one that constraints.txt was tested with.
PYTHON3 ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
READY := $(VENV)/.ready
ARGS ?=
# JupyterLab refuses to run as root, as in a container, unless told that it may.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab test notebooks lint constraints clean

help:
	@echo "make lab          set everything up and open the course in JupyterLab"
	@echo "make test         set everything up and run every test"
	@echo "make notebooks    build, run and check every edition from notebooks/source/"
	@echo "make lint         check the style of the code"
	@echo "make constraints  write the versions that are installed now to constraints.txt"
	@echo "make clean        remove the environment"

# The stamp is written last: an installation that was cut off is done again.
$(READY): pyproject.toml constraints.txt Makefile
	@if [ -z "$(PYTHON3)" ]; then echo "hyperedu needs Python 3.11 or newer with its venv module (on Debian: apt install python3-venv). \
	If it is installed elsewhere, name it: make lab PYTHON3=/path/to/python3"; exit 1; fi
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON3) -m venv $(VENV); }
	$(PYTHON) -m pip install --disable-pip-version-check -c constraints.txt -e '.[text,test,dev]'
	@# JupyterLab asks at its first start whether it may fetch news: not in the way of a lesson.
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

lab: $(READY)
	JUPYTER_PREFER_ENV_PATH=1 $(VENV)/bin/jupyter lab --ip=127.0.0.1 $(ROOT) \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(ARGS)

test: $(READY)
	$(PYTHON) -m pytest $(ARGS)

notebooks: $(READY)
	$(PYTHON) notebooks/build.py $(ARGS)

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

constraints: $(READY)
	@{ echo "# The exact versions that the tests passed with. Written by: make constraints"; \
	$(PYTHON) -m pip freeze --exclude-editable --exclude hyperedu | sed 's/+cpu$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean:
	rm -rf $(VENV)
