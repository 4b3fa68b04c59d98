# What cargo reads, so that a change of a document, a measurement or a recipe compiles nothing again.
{ lib, ... }:
let
  root = toString ../.;
  apart = [
    ".ci"
    ".github"
    "docs"
    "enclave/packages"
    "examples"
    "measurements"
    "nix"
    "reproducers"
    "target"
  ];
in
lib.cleanSourceWith {
  name = "source";
  src = ../.;
  filter =
    path: type:
    let
      relative = lib.removePrefix (root + "/") (toString path);
    in
    lib.cleanSourceFilter path type
    && !(builtins.elem relative apart)
    && !(lib.hasPrefix "flake." relative)
    && !(lib.hasSuffix ".md" relative);
}
