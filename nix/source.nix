# The files of this tree, filtered: a derivation takes the files that it reads and nothing else, so
# that no other change builds it again (xtask/tests/derivations.rs).
{ lib, ... }:
let
  root = toString ../.;
  # Whether a path is the folder or lies in it.
  within = folder: path: path == folder || lib.hasPrefix "${folder}/" path;

  # The files whose relative path and type `keep` accepts.
  filtered =
    keep:
    lib.cleanSourceWith {
      name = "source";
      src = ../.;
      filter =
        path: type:
        lib.cleanSourceFilter path type && keep (lib.removePrefix "${root}/" (toString path)) type;
    };
  # Markdown that no program reads. A package's README is its documentation, which rustc reads.
  isPage =
    path:
    let
      folder = lib.removeSuffix "README.md" path;
      isReadme = folder != path && folder != "";
    in
    lib.hasSuffix ".md" path
    && !(isReadme && builtins.pathExists (../. + "/${folder}Cargo.toml"));
in
{
  inherit within;

  # select { paths, without ? (_: false) }: the files at these relative paths, folders with
  # everything in them but Markdown, which no program reads.
  select =
    {
      paths,
      # Of a relative path: whether to leave this file or folder out.
      without ? (_: false),
    }:
    filtered (
      path: type:
      let
        wanted = lib.any (folder: within folder path) paths;
        # A folder on the way to a wanted path.
        above = type == "directory" && lib.any (within path) paths;
      in
      above || (wanted && !isPage path && !without path)
    );

  # All that cargo reads: a change of a document, a measurement or a recipe compiles nothing again.
  rust = filtered (
    path: _:
    !(builtins.elem path [
      ".ci"
      ".github"
      "docs"
      "enclave/packages/kernel"
      "measurements"
      "nix"
      "reproducers"
      "target"
    ])
    && !(lib.hasPrefix "flake." path)
    && !(isPage path)
  );

  # The whole tree but build results: tests read recipes, documents and the flake's test doubles,
  # too.
  tests = filtered (
    path: type: !(type == "directory" && (baseNameOf path == "target" || path == ".ci"))
  );
}
