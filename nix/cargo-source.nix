# cargoSource [ PACKAGE ... ]: arguments of crane for compiling these packages of the workspace: the
# sources that they consist of, and of every other package the manifest alone.
#
# cargo loads all manifests of a workspace and wants every target that they name to exist.
# `postPatch` puts an empty file in the place of each that is missing.
{
  lib,
  members,
  source,
  ...
}:
packages:
let
  inside = members.closure packages;
  # Parts of a package that its tests and benchmarks alone read.
  apart = [
    "benches"
    "examples"
    "tests"
    "vectors"
  ];
  # Files of one package that another one compiles (`#[path]`).
  shared = lib.optionals (builtins.elem "xtask" packages) [
    "tests/demo/src/args.rs"
    "tests/serve/src/args.rs"
  ]
  # letsesign-verify has them in it.
  ++ lib.optionals (builtins.elem "verify" inside) [
    "client/web/ui/vendor/pdfjs/LICENSE"
    "client/web/ui/vendor/pdfjs/pdf.min.mjs"
    "client/web/ui/vendor/pdfjs/pdf.worker.min.mjs"
    "enclave/packages/fonts/Inconsolata.otf"
  ];
  inherit (source) within;
  # The package that a file belongs to: packages lie in folders of others (tests/testbed in tests).
  owner =
    path:
    lib.foldl' (
      found: folder:
      if within folder path && builtins.stringLength folder > builtins.stringLength found then
        folder
      else
        found
    ) "" members.folders;
  leftOut =
    path:
    let
      folder = owner path;
    in
    (folder != "" && !(builtins.elem folder inside))
    || lib.any (part: within "${folder}/${part}" path) apart;

  targets =
    folder:
    let
      manifest = members.manifests.${folder};
      named =
        kind: directory:
        map (
          target:
          target.path or (
            if kind == "bin" && target.name == manifest.package.name then
              "src/main.rs"
            else
              "${directory}/${target.name}.rs"
          )
        ) (manifest.${kind} or [ ]);
    in
    map (path: "${folder}/${path}") (
      named "bin" "src/bin"
      ++ named "bench" "benches"
      ++ named "example" "examples"
      ++ named "test" "tests"
      ++ lib.optional (manifest ? lib.path) manifest.lib.path
      ++ lib.optional (builtins.isString (manifest.package.build or null)) manifest.package.build
    );
in
{
  src = source.select {
    paths = [
      ".cargo"
      "Cargo.lock"
      "Cargo.toml"
    ]
    ++ inside
    ++ shared
    ++ map (folder: "${folder}/Cargo.toml") members.folders;
    # Manifests are needed of all; the root's `paths` name them one by one.
    without =
      path: baseNameOf path != "Cargo.toml" && !(builtins.elem path shared) && leftOut path;
  };

  postPatch = ''
    for folder in ${toString members.folders}; do
      if [ ! -e $folder/src/lib.rs ] && [ ! -e $folder/src/main.rs ]; then
        mkdir -p $folder/src
        : > $folder/src/lib.rs
      fi
    done
    for file in ${toString (lib.concatMap targets members.folders)}; do
      if [ ! -e $file ]; then
        mkdir -p "$(dirname $file)"
        echo 'fn main() {}' > $file
      fi
    done
  '';
}
