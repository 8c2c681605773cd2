# Targets of microv2g. `make demo` and `make test` fetch and build what they need; a second run starts at once.
# MICROPY_DIR=/path/to/micropython takes the source of MicroPython 1.25 from there instead of fetching it.
PY := build/venv/bin/python
SETUP := python3 host_tools/building/build.py

help:
	@echo "make demo           simulated car and station, from plug-in to unplug, live, with a report"
	@echo "make demo STAGE=infypower       the same with modelled parts at modelled buses; bench, serial, infypower or sdm630"
	@echo "make test           everything: lint, generated files, tests on CPython, unix 64-bit and 32-bit"
	@echo "make test-fast      under two minutes: CPython and unix 64-bit, without slow files"
	@echo "make soak           long repetitions from a seed: 10,000 plug-ins, fuzz; SOAK=\"plug-ins --seed 17\", SOAK=--list"
	@echo "make test32         the tests on an emulated Cortex-M3, in 200 kB of heap: no host port of MicroPython involved"
	@echo "make interop        the PyPI vehicle, pev and the kernel's TCP against the firmware, in network namespaces (root)"
	@echo "make firmware BOARD=rpi_pico    the image of a board; make boards lists them"
	@echo "make emu            the RP2040 image in an emulator: modem, pilot, contactor, cars; sessions both ways, figures"
	@echo "make size BOARD=rpi_pico        code and heap of each module against the committed budget"
	@echo "make bench          measure and write docs/benchmarks.md"
	@echo "make lint           ruff, the import layers of docs/design.md, the names of slots"
	@echo "make gen            compile the schemas into tables, print the state diagram and the page of requirements"
	@echo "make gen-check      prove generated files in step, and that every requirement, page or file named anywhere exists"
	@echo "make requirements   what is met, partly, missing; REQ=R-LOOP-07 (or R-LOOP) with the lines in code and tests"
	@echo "make deps           fetch and build everything that any of these needs"
	@echo "make clean          remove build/"
	@echo
	@echo "One test file:      build/venv/bin/python tests/run.py tests/unit/codec/test_v2gtp.py   (--help tells more)"

demo:
	@$(SETUP) packages-demo unix venv
	@build/venv/bin/microv2g demo $(if $(STAGE),--stage $(STAGE)) $(DEMO)

test: setup-test
	@$(PY) tests/run.py --checks

test-fast:
	@$(SETUP) packages-test unix mcu32 venv
	@$(PY) tests/run.py --fast

soak: setup-test
	@$(PY) -m tests.soak $(SOAK)

setup-test:
	@$(SETUP) packages-test unix mcu32 venv schemas sdm

test32:
	@$(SETUP) packages-test32 venv schemas qemu_m3
	@$(PY) tests/run.py --runtime m3

lint:
	@$(SETUP) packages-venv venv
	@$(PY) -m host_tools.checks lint

gen:
	@$(SETUP) packages-venv venv schemas
	@$(PY) -m host_tools.gen.exi gen
	@$(PY) -m host_tools.gen.diagram
	@$(PY) -m host_tools.gen.supervisor
	@$(PY) -m host_tools.gen.requirements
	@$(PY) -m host_tools.gen.memory
	@$(PY) -m host_tools.gen.fault_bits

gen-check:
	@$(SETUP) packages-venv venv schemas
	@$(PY) -m host_tools.checks gen-check

requirements:
	@$(SETUP) packages-venv venv
	@$(PY) -m host_tools.gen.requirements --list $(REQ)

interop:
	@$(SETUP) packages-interop unix mcu32 venv evcc
	@$(PY) -m tests.interop run $(INTEROP)

bench:
	@$(SETUP) packages-all unix mcu32 venv evcc
	@build/venv/bin/microv2g bench $(BENCH)

BOARD ?= rpi_pico
firmware:
	@$(SETUP) packages-board-$(BOARD) venv
	@$(PY) host_tools/building/build.py $(BOARD)

boards:
	@$(SETUP) boards

firmware-unix:
	@$(SETUP) packages-test unix mcu32

emu:
	@$(SETUP) packages-emu rpi_pico emulator venv
	@build/venv/bin/microv2g emu --doc docs/benchmarks.md $(EMU)
	@$(PY) tests/run.py tests/emu

size:
	@$(SETUP) packages-demo unix mcu32 venv
	@build/venv/bin/microv2g size --board $(BOARD) $(SIZE)

sizes:
	@$(SETUP) packages-demo unix mcu32 venv
	@build/venv/bin/microv2g size --all

deps:
	@$(SETUP) packages-all images emulator venv schemas evcc sdm

clean:
	rm -rf build

.PHONY: help demo test test-fast soak test32 setup-test lint gen gen-check requirements interop bench firmware boards firmware-unix emu size sizes deps clean
