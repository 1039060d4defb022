# As root on Debian 12: `make demo` sets everything up and performs a mitosis on an example set-up;
# `make test` sets everything up and runs every test.
SWIFT ?= swift
PACKAGES = build-essential pkg-config libssl-dev libyaml-dev zlib1g-dev openssl libsqlite3-dev libzookeeper-mt-dev \
	iproute2 nftables iptables systemd-container dbus curl procps \
	openjdk-17-jre-headless zookeeper libzookeeper-java libslf4j-java liblog4j1.2-java python3 python3-venv python3-kazoo faketime
MITOSIS_BIN = .build/debug

.PHONY: demo test bench soak build release man completions lint format clean setup

setup:
	@deploy/setup-machine $(PACKAGES)

build: setup
	$(SWIFT) build --build-tests

release: setup
	deploy/build-release

# The man pages of every command, and what the shells complete, under out/.
man: setup
	deploy/build-manuals man

completions: setup
	deploy/build-manuals completions

demo: build
	$(MITOSIS_BIN)/mitosis-lab run --brokers 3

ROUNDS ?= 10
bench: setup
	$(SWIFT) build --configuration release
	MITOSIS_BIN=$(abspath .build/release) bench/window/run --rounds $(ROUNDS)

# Divisions in which one node alone holds the newest writes, again and again, in each strategy.
DIVISIONS ?= 20
soak: build
	MITOSIS_ROUNDS=$(DIVISIONS) MITOSIS_BIN=$(abspath $(MITOSIS_BIN)) \
		$(SWIFT) test --skip-build --no-parallel --filter EndToEndTests.LossTests

# In two processes: labs start programs by the dozen, and the tests that watch their own child processes need quiet.
test: lint build release
	MITOSIS_BIN=$(abspath $(MITOSIS_BIN)) $(SWIFT) test --skip-build --no-parallel --skip EndToEndTests
	MITOSIS_BIN=$(abspath $(MITOSIS_BIN)) $(SWIFT) test --skip-build --no-parallel --filter EndToEndTests

lint:
	.ci/check-layout --prove
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

clean:
	rm -rf .build
