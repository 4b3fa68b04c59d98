# The whole tree but build results: tests read recipes, documents and stand-ins, too.
{ lib, ... }:
let
  root = toString ../.;
in
lib.cleanSourceWith {
  name = "source";
  src = ../.;
  filter =
    path: type:
    lib.cleanSourceFilter path type
    && !(type == "directory" && (baseNameOf path == "target" || toString path == root + "/.ci"));
}
