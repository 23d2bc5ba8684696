# What a developer types. Each target is a few lines that work without make, too.
.DEFAULT_GOAL := help
.PHONY: help demo test bench tools lab fmt fmt-check lint unit lab-tests doc deny clean-lab editor

STEP := lab/step
# program:Debian package. The lab compiles its first process and unpacks its kernel.
LAB_TOOLS := gcc:gcc xz:xz-utils setpriv:util-linux unshare:util-linux timeout:coreutils
# Servers that checks are tested against, about 25 MB; the tests start them and end them again.
SERVERS := nsd:nsd exim4:exim4-daemon-light vsftpd:vsftpd leafnode:leafnode redis-server:redis-server \
	mariadbd:mariadb-server-core dovecot:dovecot-core /usr/lib/dovecot/imap-login:dovecot-imapd \
	/usr/lib/dovecot/pop3-login:dovecot-pop3d haproxy:haproxy /usr/lib/python3/dist-packages/grpc:python3-grpcio
TOOLS := $(LAB_TOOLS) nft:nftables ip:iproute2 systemd-analyze:systemd promtool:prometheus node:nodejs npm:npm nginx:nginx-light openssl:openssl git:git ssh-keygen:openssh-client $(SERVERS)
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
PROFILE := $(if $(CI),ci,default)

export INSTA_UPDATE ?= no

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

# One after another, also under make -j: two cargo runs would only wait for each other.
test: ## format, lints, every test, docs; the kernel tests on a kernel with ip_vs
	@$(STEP) tools $(MAKE) --no-print-directory tools
	@$(STEP) kernel $(MAKE) --no-print-directory lab
	@$(STEP) format $(MAKE) --no-print-directory fmt-check
	@$(STEP) lints $(MAKE) --no-print-directory lint
	@$(STEP) docs $(MAKE) --no-print-directory doc
	@$(STEP) licences $(MAKE) --no-print-directory deny
	@lab/count --reset
	@$(STEP) editor $(MAKE) --no-print-directory editor
	@$(STEP) tests $(MAKE) --no-print-directory unit
	@lab/count

demo: ## the farm of farm.yaml rehearsed with real packets: load, an edit, a death; a report and a picture
	@demo/run

bench: ## speed beside ipvsadm, keepalived, nft, haproxy and nginx (about 10 minutes)
	@lab/tools $(LAB_TOOLS)
	@benches/run

tools: ## install what the tests need (Debian packages), or name what is missing
	@lab/tools $(TOOLS)

lab: ## make the kernel for the ip_vs tests ready and say which it is
	@lab/wrap --prepare && lab/wrap --where

fmt: ## format the sources
	cargo fmt

fmt-check:
	@cargo fmt --check

lint: ## clippy, where a warning is an error
	@cargo clippy --locked --all-targets -- -D warnings

# nextest gives each kernel test a kernel of its own; `cargo test` boots one for all of them.
unit: ## every test and doc test
ifdef NEXTEST
	@cargo nextest run --locked --profile $(PROFILE)
	@cargo test --locked --doc
else
	@cargo test --locked
endif

editor: ## the schema in the language server that editors use (needs node and npm)
	@node tests/editor/check.mjs "$$(tests/editor/setup)"

lab-tests: ## only the tests that need ip_vs or nftables
	@lab/count --reset
ifdef NEXTEST
	@cargo nextest run --locked --profile $(PROFILE) --test kernel --test nftables
else
	@cargo test --locked --test kernel --test nftables
endif
	@lab/count

doc: ## the API documentation, where a broken link is an error
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

deny: ## licences and sources of the dependencies, if cargo-deny is here
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check licenses bans sources; \
	else echo 'cargo-deny is not here: the licences were not checked (deny.toml)'; fi

clean-lab: ## forget the cached kernels
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/farmctl/lab"
