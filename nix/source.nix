# The tree without what has no influence on any output. It must keep every file that cargo, the image or a check reads.
{ lib, ... }:
lib.cleanSourceWith {
  name = "source";
  src = ../.;
  filter =
    path: type:
    let
      relative = lib.removePrefix (toString ../. + "/") (toString path);
    in
    lib.cleanSourceFilter path type
    && !(type == "directory" && (relative == "target" || relative == "nix" || relative == ".ci"))
    && !(lib.hasPrefix "flake." relative);
}
