# The verbs of this project. Each sets up what it needs in .venv; only Python 3.11+ and make are assumed.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt

.PHONY: talk web test lint types bench bench-full interop reliability docs fuzz clean
.DEFAULT_GOAL := help

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

talk: $(VENV)/.talk  ## hold a spoken conversation (ARGS="--say 'What time is it?'")
	@$(BIN)/gemini-realtime talk $(ARGS)

web: $(VENV)/.web  ## talk to an agent in the browser (ARGS="--agent my_agent:agent")
	@$(BIN)/gemini-realtime web $(ARGS)

# Two workers nearly halve the time, as many tests wait for a process of their own; more would disturb those that play
# sound in real time.
test: $(VENV)/.test $(VENV)/.axe  ## run the whole test suite (ARGS="-k session")
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.check  ## check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.check  ## check types
	@$(BIN)/mypy

bench: $(VENV)/.made  ## measure speed and memory, beside other clients (ARGS="--help")
	@$(BIN)/python -m bench.run $(ARGS)

bench-full: $(VENV)/.made  ## the same with more rounds, some forty minutes
	@$(BIN)/python -m bench.run --full $(ARGS)

interop: $(VENV)/.test  ## run other people's clients against the embedded server
	@$(BIN)/python -m interop.run $(ARGS)

reliability: $(VENV)/.test  ## hold thousands of conversations in which things go wrong (ARGS="--fault cut")
	@$(BIN)/python -m reliability.run $(ARGS)
	@[ -n "$(ARGS)" ] || $(BIN)/python -m reliability.tools

docs: $(VENV)/.test  ## write the generated parts of docs/, and build the site from it into site/
	@$(BIN)/python docs/generate.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "The site begins at site/index.html"

fuzz: $(VENV)/.test  ## feed codec, session, server and client garbage (ARGS="--seconds 600")
	@$(BIN)/python fuzz/codec.py $(ARGS)
	@$(BIN)/python fuzz/peer.py $(ARGS)
	@$(BIN)/python fuzz/door.py $(ARGS)
	@$(BIN)/python -m fuzz.client $(ARGS)

clean:  ## remove what the other targets have made
	rm -rf $(VENV) .venv-* site interop/javascript/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis conversation.wav conversation-[0-9]*.wav

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; set PYTHON=..." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@touch $@

$(VENV)/.talk: $(VENV)/.made $(INPUTS)
	@echo "Installing gemini-realtime with its speech parts (about 250 MB, once)"
	@$(PIP) --editable '.[cli,local,devices]'
	@touch $@

$(VENV)/.web: $(VENV)/.talk
	@$(PIP) --editable '.[web]'
	@touch $@

# A virtual sound card for the tests of microphone and loudspeaker; without it those tests are skipped, and say so. It
# comes in packages of the system, which are installed where CI=true says that nobody minds.
SOUND_CARD := pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins

$(VENV)/.test: $(VENV)/.talk
	@echo "Installing what the tests need"
	@$(PIP) --editable '.[all]' --group test
	@if command -v pulseaudio >/dev/null; then :; \
	elif [ "$${CI:-}" = true ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Debian packages for a virtual sound card: $(SOUND_CARD)"; \
		{ apt-get update -qq && apt-get install -y -qq $(SOUND_CARD); } >/dev/null 2>&1 \
			|| echo "They could not be installed: the tests that need them are skipped"; \
	else \
		echo "SKIPPED: the tests of microphone and loudspeaker need a virtual sound card, which is not installed."; \
		echo "         To run them: sudo apt-get install $(SOUND_CARD)"; \
	fi
	@touch $@

# What checks the accessibility of the page; without npm its test is skipped, and says so.
$(VENV)/.axe: $(VENV)/.made
	@{ command -v npm && npm install --silent --no-audit --no-fund --fetch-retries=0 --prefix $(VENV)/axe axe-core@4; } >/dev/null \
		|| echo "SKIPPED: the test of the page's accessibility needs axe-core, which npm installs."
	@touch $@

$(VENV)/.check: $(VENV)/.test
	@$(PIP) --group check
	@touch $@
