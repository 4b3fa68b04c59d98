# select { paths, without ? (_: false) }: the files of this tree at these relative paths, folders with
# everything in them but Markdown, which no program reads. A derivation takes what it reads and nothing
# else, so that no other change builds it again (xtask/tests/derivations.rs).
{ lib, ... }:
{
  paths,
  # Of a relative path: whether to leave this file or folder out.
  without ? (_: false),
}:
let
  root = toString ../.;
  within = folder: path: path == folder || lib.hasPrefix "${folder}/" path;
in
lib.cleanSourceWith {
  name = "source";
  src = ../.;
  filter =
    path: type:
    let
      relative = lib.removePrefix "${root}/" (toString path);
      wanted = lib.any (folder: within folder relative) paths;
      # A folder on the way to a wanted path.
      above = type == "directory" && lib.any (wantedPath: within relative wantedPath) paths;
    in
    lib.cleanSourceFilter path type && (
      above || (wanted && !lib.hasSuffix ".md" relative && !without relative)
    );
}
