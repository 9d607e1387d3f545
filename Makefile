# hanji needs Python 3.11–3.13 and make. `make demo` and `make test` set up the rest in .venv.
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types contracts wheels pytest pi web android pytorch fuzz audit sbom reference operators lock clean
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT := out/demo
DIGITS = $(OUT)-digits
PORT := 4173

help:  ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(READY)  ## Train, compress and export a recommender and a classifier of digits, and ask both
	@rm -rf $(OUT) $(DIGITS)
	@$(BIN)/hanji build examples/demo.toml --out $(OUT)
	@echo
	@$(BIN)/hanji recommend $(OUT)/bundle --history 7,31,190 --why
	@echo
	@$(BIN)/hanji build examples/digits.toml --out $(DIGITS)
	@echo
	@$(BIN)/hanji classify $(DIGITS)/bundle $(DIGITS)/samples/*.png -k 2

test: $(READY) lint types contracts wheels pytest  ## Check style, types, structure and wheels, then run all tests

check: $(READY) lint types contracts  ## The fastest checks, within a minute: style, types, structure and the quick tests
	$(BIN)/python -m pytest --quiet --numprocesses 2 --dist loadfile tests/contracts tests/runtime \
	    tests/training/test_*.py tests/training/*/data tests/studies/test_recipe_reference.py \
	    --ignore tests/runtime/test_stream_watch.py --ignore tests/runtime/test_threads.py \
	    --ignore tests/runtime/test_mutations.py --ignore tests/runtime/test_fuzzing.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

wheels: $(READY)
	@rm -rf dist
	$(BIN)/python -m build --no-isolation --wheel --outdir dist . >/dev/null
	$(BIN)/python -m build --no-isolation --wheel --outdir dist runtime >/dev/null
	@ls dist

# One thread each: threads of two processes on two cores spend their time waiting for one another.
pytest: $(READY) wheels
	TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 \
	    $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

web: $(READY)  ## Serve the demo's bundles (and BUNDLE=out/mine/bundle) as a page on localhost
	@[ -f $(OUT)/bundle/manifest.json ] && [ -f $(DIGITS)/bundle/manifest.json ] || $(MAKE) demo
	@cd web_demo && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
	    npm ci --ignore-scripts --no-audit --no-fund; }
	@cd web_demo && npm run --silent bundles -- $(if $(BUNDLE),mine=$(abspath $(BUNDLE))) \
	    films=$(abspath $(OUT)/bundle) digits=$(abspath $(DIGITS)/bundle)
	@cd web_demo && npm run --silent build -- --logLevel error && node scripts/static_server.mjs dist $(PORT)

android: $(READY)  ## Build the Android demo, sign it and check the APK
	@[ -f $(OUT)/bundle/manifest.json ] && [ -f $(DIGITS)/bundle/manifest.json ] || $(MAKE) demo
	$(BIN)/python android_demo/apk/make_apk.py --recommender $(OUT)/bundle --classifier $(DIGITS)/bundle

pi: $(READY) wheels  ## Run the tests on emulated Raspberry Pis alone
	$(BIN)/python -m pytest tests/pi

CONVERSION := tests/export/classifiers/test_wrap_formats.py tests/compression/classifiers/files/test_compress_formats.py
pytorch: $(READY)  ## Set up PyTorch and onnx2tf, each in an environment of its own, and run their tests
	$(BIN)/hanji setup-onnx2tf
	HANJI_SET_UP_TORCH=1 $(BIN)/python -m pytest tests/pytorch $(CONVERSION)

fuzz: $(READY)  ## Look for files that readers do not expect, for SECONDS=600
	@[ -f $(OUT)/bundle/manifest.json ] && [ -f $(DIGITS)/bundle/manifest.json ] || $(MAKE) demo
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(or $(SECONDS),600)

# A package that the advisory service does not know is an error as well (--strict): it was not audited.
audit: $(READY)  ## Look for known vulnerabilities in the locked dependencies (needs the network)
	$(BIN)/uv tool run --from 'pip-audit>=2.9,<3' pip-audit --strict --disable-pip --require-hashes \
	    --progress-spinner off -r requirements/dev.txt
	$(BIN)/uv tool run --from 'pip-audit>=2.9,<3' pip-audit --strict --disable-pip --require-hashes \
	    --progress-spinner off -r $(CONVERTER)
	cd web_demo && npm audit

SBOM := $(BIN)/uv tool run --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements --output-reproducible --of JSON
LOCKED := $(BIN)/uv pip compile --quiet --python-version 3.11 --constraint requirements/dev.txt \
    --no-emit-package hanji-runtime --no-emit-index-url --generate-hashes

sbom: $(READY)  ## Write software bills of materials (CycloneDX) of the wheels and the page to dist/; the APK's lies beside it
	@mkdir -p dist
	set -o pipefail; $(LOCKED) pyproject.toml | $(SBOM) --pyproject pyproject.toml -o dist/hanji.cdx.json -
	set -o pipefail; $(LOCKED) runtime/pyproject.toml --extra litert --extra onnx --extra image \
	    | $(SBOM) --pyproject runtime/pyproject.toml -o dist/hanji-runtime.cdx.json -
	cd web_demo && npm sbom --sbom-format cyclonedx --omit dev > ../dist/web_demo.cdx.json

reference: $(READY)  ## Generate docs/recipe-reference.md from the config dataclasses
	$(BIN)/python -m hanji.studies.recipe_reference > docs/recipe-reference.md

ENGINES := android_demo/core/src/main/kotlin/hanji/engines
operators: $(READY)  ## Generate the loaders' lists of operators from export/hanji/export/formats/operators.json
	$(BIN)/python -m hanji.export.formats.operator_lists python > runtime/hanji/runtime/engines/operators.py
	$(BIN)/python -m hanji.export.formats.operator_lists kotlin-onnx > $(ENGINES)/OnnxOperators.kt
	$(BIN)/python -m hanji.export.formats.operator_lists kotlin-tflite > $(ENGINES)/TfliteOperators.kt

CONVERTER := compression/hanji/compression/classifiers/conversion/onnx2tf/requirements.txt
lock: $(READY)  ## Resolve the dependencies anew into requirements/
	$(BIN)/uv pip compile requirements/uv.in --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" --no-emit-index-url --quiet --upgrade --output-file requirements/uv.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --extra spark --constraint requirements/constraints.txt --universal --python-version 3.11 --generate-hashes \
	    --no-emit-package hanji-runtime --custom-compile-command "make lock" --no-emit-index-url --quiet --upgrade \
	    --output-file requirements/dev.txt
	$(BIN)/uv pip compile requirements/onnx2tf.in --overrides requirements/onnx2tf-unused.txt --universal --python-version 3.12 \
	    --generate-hashes --custom-compile-command "make lock" --no-emit-index-url --quiet --upgrade --output-file $(CONVERTER)

clean:  ## Remove the environment and everything made
	rm -rf $(VENV) out dist

# Bytecode is compiled at once: TensorFlow imports three times slower without.
$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml runtime/pyproject.toml
	@requirements/make-venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e runtime -e .
	@if command -v npm >/dev/null; then $(BIN)/hanji setup-tfjs; \
	 else echo "Node.js was not found: TF.js artifacts will be exported, but not checked."; fi
	@touch $@
