# make lab: set everything up and open the course.  make test: set everything up and run every test.
# This only finds a Python; what is done is in make.py.
# The oldest supported Python first: it is the one that constraints.txt was tested with.
PYTHON3 ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=

.PHONY: help lab lessons test notebooks slides grading class release lint constraints clean

help lab lessons test notebooks slides grading class release lint constraints clean:
	@if [ -z "$(PYTHON3)" ]; then echo "hyperedu needs Python 3.11 or newer with its venv module (on Debian: apt install python3-venv). \
	If it is installed elsewhere, name it: make $@ PYTHON3=/path/to/python3"; exit 1; fi
	@"$(PYTHON3)" make.py $@ $(ARGS)
