# Two commands: `make demo` and `make test`. Both install into .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || \
	command -v python3.10 || echo python3)
BIN := .venv/bin
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install -q -q
DEMO_CONFIG := configs/ssdlite_tinynet_d_demo.py
DEMO_DIR := work_dirs/demo

.PHONY: setup demo test clean

setup: .venv/.installed

# PIP_CONSTRAINT reaches into pip's isolated builds as well, so mmcv is built with the
# pinned setuptools (newer releases of pip read PIP_BUILD_CONSTRAINT for that). There it
# finds no torch and leaves out its compiled operators. OpenCV comes twice, with and
# without windows, into one folder; the headless one goes last, as it needs no libGL.
.venv/.installed: setup.cfg pyproject.toml constraints.txt
	@echo 'Installing into .venv: some minutes and 6 GB of disk (torch with CUDA)'
	$(PYTHON) -m venv .venv
	$(PIP) -e '.[test]'
	$(PIP) --force-reinstall --no-deps opencv-python-headless
	@touch $@

demo: setup
	$(BIN)/python tools/make_demo_data.py --out data/demo
	$(BIN)/python tools/train.py $(DEMO_CONFIG) --work-dir $(DEMO_DIR) --resume
	$(BIN)/python tools/test.py $(DEMO_CONFIG) $(DEMO_DIR)/best.pth --work-dir $(DEMO_DIR)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

clean:
	rm -rf .venv data/demo $(DEMO_DIR)
