# Everything works on Windows without make, too: py utils\bootstrap.py learn
PYTHON ?= python3

learn: ; @$(PYTHON) utils/bootstrap.py learn
run:   ; @$(PYTHON) utils/bootstrap.py run
test:  ; @$(PYTHON) utils/bootstrap.py test
test-labs: ; @$(PYTHON) utils/bootstrap.py test-labs
test-classroom: ; @$(PYTHON) utils/bootstrap.py test-classroom
build: ; @$(PYTHON) utils/bootstrap.py build
site:  ; @$(PYTHON) utils/bootstrap.py site
slides: ; @$(PYTHON) utils/bootstrap.py slides
lint:  ; @$(PYTHON) utils/bootstrap.py lint
bench: ; @$(PYTHON) utils/bootstrap.py bench
clean: ; rm -rf build .venv .uv .labs .pytest_cache .ruff_cache .hypothesis utils/*.egg-info && find utils course tests -name __pycache__ -prune -exec rm -rf {} +

.PHONY: learn run test test-labs test-classroom site slides build lint bench clean
