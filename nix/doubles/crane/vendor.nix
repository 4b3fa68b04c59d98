# The sources of all registry crates of Cargo.lock, unpacked by their checksums, with the
# configuration that makes cargo use them. Names of files and directories are crane's.
{
  cargoLock,
  lib,
  pkgs,
}:
let
  lock = builtins.fromTOML (builtins.readFile cargoLock);
  crates = builtins.filter (package: package ? checksum) lock.package;
  registry = builtins.hashString "sha256" "registry+https://github.com/rust-lang/crates.io-index";
  unpack =
    package:
    let
      archive = pkgs.fetchurl {
        name = "cargo-src-${package.name}-${package.version}";
        url = "crate:${package.name}@${package.version}";
        sha256 = package.checksum;
      };
      folder = "$directory/${package.name}-${package.version}";
    in
    ''
      mkdir -p "${folder}"
      tar -xzf ${archive} -C "${folder}" --strip-components=1 --no-same-owner
      echo '{"files":{},"package":"${package.checksum}"}' > "${folder}/.cargo-checksum.json"
    '';
in
pkgs.runCommand "vendor-cargo-deps"
  {
    script = lib.concatMapStringsSep "\n" unpack crates;
    passAsFile = [ "script" ];
  }
  ''
    directory=$out/${registry}
    mkdir -p "$directory"
    . "$scriptPath"
    cat > $out/config.toml <<END
    [source.crates-io]
    replace-with = "vendored"
    [source.vendored]
    directory = "$directory"
    END
  ''
