# `nix flake check`: one derivation per claim, each in a file of its name under checks/.
scope:
let
  inherit (scope) lib;
  check = name: import (./checks + "/${name}.nix") scope;
in
lib.genAttrs (
  [
    "build-eif"
    "canoni-idempotence"
    "clippy"
    "deny"
    "docs"
    "example"
    "fmt"
    "host-module"
    "kernel"
    "measurement"
    "measurements"
    "nextest"
    "nix-lint"
    "programs"
    "schemas"
  ]
  # Not on a machine without QEMU's machine nitro-enclave, of which `cargo xtask nix` tells.
  ++ lib.optional (scope.emulator != null) "boot"
) check
