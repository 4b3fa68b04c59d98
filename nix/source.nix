# The tree without what has no influence on any output. It must keep every file that the image or a check reads.
{ lib, ... }:
let
  root = toString ../.;
  apart = [
    ".ci"
    ".github"
    "docs"
    "examples"
    "nix"
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
    && !(lib.hasPrefix "flake." relative);
}
