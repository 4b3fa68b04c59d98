# The dependencies alone: manifests and lock file with empty programs, so that only a change of
# those compiles them again. What was compiled is packed with its times, by which cargo tells that
# it is older than the real sources.
{
  lib,
  mkCargoDerivation,
  profile,
}:
{
  src,
  pname,
  cargoExtraArgs ? "--locked",
  cargoBuildCommand ? "cargo build ${profile}",
  cargoCheckCommand ? "cargo check ${profile}",
  cargoCheckExtraArgs ? "",
  ...
}@arguments:
let
  isManifest =
    path:
    builtins.elem (baseNameOf path) [
      "Cargo.toml"
      "Cargo.lock"
      "config.toml"
    ];
  leadsToManifest =
    folder:
    let
      entries = builtins.readDir folder;
    in
    lib.any (
      name:
      if entries.${name} == "directory" then
        leadsToManifest "${folder}/${name}"
      else
        isManifest name
    ) (builtins.attrNames entries);
in
mkCargoDerivation (
  builtins.removeAttrs arguments [
    "cargoBuildCommand"
    "cargoCheckCommand"
    "cargoCheckExtraArgs"
  ]
  // {
    pname = "${pname}-deps";
    src = lib.cleanSourceWith {
      name = "manifests";
      inherit src;
      # Of the folders those that lead to a manifest: a new folder of sources compiles nothing
      # again.
      filter = path: type: if type == "directory" then leadsToManifest path else isManifest path;
    };
    buildPhaseCargoCommand = ''
      find . -name Cargo.toml | while read -r manifest; do
        package=''${manifest%/*}
        mkdir -p "$package/src"
        : > "$package/src/lib.rs"
        if [ -z "$(sed -n 's/^crate-type.*cdylib.*/x/p' "$manifest")" ]; then echo 'fn main() {}' > "$package/src/main.rs"; fi
        # Targets that a manifest names must be there, and so must its build script.
        script=$(sed -n 's/^build *= *"\(.*\)"/\1/p' "$manifest")
        if [ -n "$script" ]; then echo 'fn main() {}' > "$package/$script"; fi
        sed -n '/^\[\[bench\]\]/,/^name/p; /^\[\[test\]\]/,/^name/p' "$manifest" \
          | sed -n 's/^\[\[\(.*\)\]\]/\1/p; s/^name *= *"\(.*\)"/\1/p' \
          | while read -r kind && read -r name; do
          kind=''${kind/%bench/benche}s
          mkdir -p "$package/$kind"
          echo 'fn main() {}' > "$package/$kind/$name.rs"
        done
      done
      ${cargoCheckCommand} ${cargoExtraArgs} ${cargoCheckExtraArgs}
      ${cargoBuildCommand} ${cargoExtraArgs}
    '';
    installPhaseCommand = ''
      mkdir $out
      tar -cf $out/target.tar target
    '';
  }
)
