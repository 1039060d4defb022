# As root on Debian 12: `make demo` sets everything up and performs a mitosis on an example set-up;
# `make test` sets everything up and runs every test.
SWIFT ?= swift
PACKAGES = build-essential pkg-config libssl-dev libyaml-dev zlib1g-dev openssl libsqlite3-dev libzookeeper-mt-dev \
	iproute2 nftables iptables systemd-container dbus curl procps openssh-client openssh-server sudo \
	openjdk-17-jdk-headless zookeeper libzookeeper-java libslf4j-java liblog4j1.2-java python3 python3-venv python3-kazoo faketime spin tmux
# What packing needs besides, and what trying the packages needs.
PACKING = debhelper lintian
TRYING = debootstrap systemd-container
.PHONY: demo test test-unit test-both bench bench-hostile bench-compare bench-old-copies bench-fleet matrix soak division-faults faults faults-real faults-crippled fuzz sanitize mutants model build optimised programs release \
	report-page \
	man completions deb \
	packages-test lint format clean setup setup-packing

setup:
	@deploy/setup-machine $(PACKAGES)

build: setup
	$(SWIFT) build --build-tests

# As the optimiser makes them (but for the tests themselves), which has broken what a debug build does right; -enable-testing lets tests see inside.
OPTIMISED = --configuration release -Xswiftc -enable-testing
optimised: setup
	$(SWIFT) build $(OPTIMISED) --build-tests

# The programs as they are shipped, what they need, the agent's size and what it holds idle.
release: setup
	deploy/build-release

# What labs run: what is shipped.
PROGRAMS = out/bin
programs: release
	mkdir -p $(PROGRAMS)
	cp -f out/mitosis-agent out/mitosis out/mitosis-lab $(PROGRAMS)/

# Packages for Debian and Ubuntu, a tarball for elsewhere, their checksums and contents, in out/packages.
deb: release man completions setup-packing
	deploy/build-packages
	lintian --fail-on error,warning out/packages/*.deb

setup-packing:
	@deploy/setup-machine $(PACKING)

# The packages in new Debian 11, 12 and 13: installed by apt, tried, upgraded under a wall, removed. Needs root and a mirror.
packages-test: deb
	@deploy/setup-machine $(TRYING)
	deploy/try-packages out/packages

# The man pages of every command, and what the shells complete, under out/.
man: setup
	deploy/build-manuals man

completions: setup
	deploy/build-manuals completions

demo: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) $(PROGRAMS)/mitosis-lab run --brokers 3

ROUNDS ?= 10
bench: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/window/run --rounds $(ROUNDS)

# Every version with itself in each strategy and every older-to-newer pair, as far as they have no row yet; docs/versions.md.
SHARD ?= 1/1
matrix: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/matrix/run --shard $(SHARD)

# An agent among 2,000 hostile connections: time until a coordinator's command is accepted, and memory.
bench-hostile: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/hostile/run

# One difference found among 200,000 nodes, and what another client notices meanwhile.
bench-compare: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/compare/run

bench-old-copies: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/old-copies/run

# The report of a demo, or of the run of PLAN, looked at in headless Chromium; bench/report/README.md.
PLAN ?=
report-page: programs
	@deploy/setup-machine chromium python3-venv
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/report/run $(PLAN)

# A thousand agents, asked, walled and cleaned, beside what an operator would otherwise use. FLEET="--hosts 100" for less.
FLEET ?=
bench-fleet: release
	deploy/setup-machine ansible-core pssh clustershell openssh-client openssh-server
	$(SWIFT) build $(OPTIMISED) --product mitosis
	mkdir -p $(PROGRAMS)
	cp -f out/mitosis-agent .build/release/mitosis $(PROGRAMS)/
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/fleet/run $(FLEET)

# Divisions in which one node alone holds the newest writes, again and again, in each strategy.
DIVISIONS ?= 20
soak: optimised programs
	MITOSIS_ROUNDS=$(DIVISIONS) MITOSIS_BIN=$(abspath $(PROGRAMS)) \
		.ci/run-tests --lane 'soak=release,EndToEndTests.LossTests'

# What ZooKeeper can do wrong in a division, in each strategy; `make test` does each in one.
division-faults: optimised programs
	MITOSIS_STRATEGIES=both MITOSIS_BIN=$(abspath $(PROGRAMS)) \
		.ci/run-tests --lane 'division-faults=release,EndToEndTests.DivisionFaultTests'

# Histories of the model: coordinators that die, commands that are lost or late, hosts that reboot, in an order that the seed decides.
HISTORIES ?= 100000
SEED ?= 1
faults: optimised
	MITOSIS_HISTORIES=$(HISTORIES) MITOSIS_SEED=$(SEED) .ci/run-tests --lane 'faults=release,SimulationTests'

# Real runs, each with one fault at one place, as far as they have no row yet; docs/faults.md.
CASES ?= 150
faults-real: programs
	MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/faults/run --shard $(SHARD) --count $(CASES)

# Builds whose coordinator lacks what keeps writes must be told from whole ones by those runs; docs/faults.md.
faults-crippled: programs
	SWIFT=$(SWIFT) MITOSIS_BIN=$(abspath $(PROGRAMS)) bench/faults/run --crippled

# Each check of the preflight disabled in turn: tests must miss it. The table goes to out/mutants.txt.
mutants: setup
	SWIFT=$(SWIFT) bench/mutants/run

# Every history of the orders' model, docs/model: coordinators that die, messages that are lost, hosts that reboot. Two faults are
# planted first, to see that they are found. LIVES=3 or REBOOTS=2 for more, MEMORY for what it may take (MB).
LIVES ?= 2
REBOOTS ?= 1
MEMORY ?= 4000
model:
	@deploy/setup-machine build-essential spin
	LIVES=$(LIVES) REBOOTS=$(REBOOTS) MEMORY=$(MEMORY) docs/model/check --prove

# Readers, with inputs that nobody would write. Three faults are planted first, to see that they are found.
FUZZ_SECONDS ?= 600
FUZZ = .build/release/mitosis-fuzz
fuzz: setup
	$(SWIFT) build $(OPTIMISED) --product mitosis-fuzz
	$(FUZZ) --planted --executions 20000 --seconds 600 --kept out/fuzz/planted
	$(FUZZ) --seconds $(FUZZ_SECONDS) --kept out/fuzz

# Unit tests with the runtimes that see wrong memory, and races. What is passed over, and why: .ci/sanitize.
sanitize: setup
	.ci/sanitize address
	.ci/sanitize thread

# Unit tests as the optimiser makes them; then the end-to-end tests with the programs as they are released. docs/testing.md has
# what takes how long. `make test-both` runs the unit tests of the debug build beside them.
test: lint optimised programs man completions setup-packing
	.ci/run-tests unit-release
	MITOSIS_BIN=$(abspath $(PROGRAMS)) .ci/run-tests end-to-end

test-both: build optimised
	.ci/run-tests unit

test-unit: build
	.ci/run-tests unit-debug

lint:
	.ci/check-layout --prove
	.ci/check-claims --prove
	.ci/check-docs --prove
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

clean:
	rm -rf .build .build-release .build-crippled .build-mutants out
