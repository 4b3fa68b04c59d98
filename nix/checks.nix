# `nix flake check`: one derivation per claim, each in a file of its name under checks/.
scope:
let
  check = name: import (./checks + "/${name}.nix") scope;
in
scope.lib.genAttrs [
  "canoni-idempotence"
  "clippy"
  "fmt"
  "measurements"
  "measurement"
  "kernel"
] check
