# Each target installs what it needs first; a second call costs milliseconds.
PYTHON ?= python3
PORT ?= 8000
SETUP = $(PYTHON) scripts/bootstrap.py
V = .venv/bin

.PHONY: help up setup test test-all lint types imports format fast content bench backup clean

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

up:              ## the whole site on http://127.0.0.1:8000 (PORT=… for another); Ctrl-C stops it
	@$(SETUP) up --port $(PORT)

setup:           ## environments, tools, front end and lab, without starting anything
	@$(SETUP) --dev --lab

test: setup      ## the fast suite: lint, types, imports, unit, integration, browser
	@$(V)/python scripts/run_tests.py fast

test-all: setup  ## adds attacks, cheats and every reference solution
	@$(V)/python scripts/run_tests.py all

lint: setup      ## ruff
	@$(V)/ruff check . && $(V)/ruff format --check .

types: setup     ## mypy, strict
	@$(V)/mypy

imports: setup   ## who may import whom
	@$(V)/lint-imports

format: setup    ## ruff format, and what ruff can mend by itself
	@$(V)/ruff format . && $(V)/ruff check --fix .

content: setup   ## every lesson and exercise is valid
	@$(V)/python manage.py lessons check

bench: setup     ## what boxes cost here, quickly; `manage.py bench box` measures longer
	@$(V)/python manage.py bench all --quick

backup: setup    ## database and secret into var/backups/
	@$(V)/python manage.py backup

clean:           ## removes environments and builds; keeps var/
	@rm -rf .venv .venv-lab webapp/frontend/node_modules webapp/frontend/dist
