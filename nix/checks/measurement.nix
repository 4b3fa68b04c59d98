# The image that Nix built has the measurements of measurements/next.json and, byte for byte, the
# sum of measurements/next.sha256, which the cargo build wrote. A difference is explained down to
# the file.
{
  pkgs,
  select,
  tools,
  init,
  server,
  eif,
  ...
}:
pkgs.runCommand "check-measurement"
  {
    src = select {
      paths = import ../image-paths.nix ++ [
        "measurements"
        "rust-toolchain.toml"
      ];
    };
  }
  ''
    mkdir programs
    cp ${init}/bin/letsesign-init ${server}/bin/letsesign-server programs/
    programs=$PWD/programs
    cd "$src"
    ${tools.xtask}/bin/xtask eif --programs $programs --output $out --check
    cmp $out/letsesign-enclave.eif ${eif}/letsesign-enclave.eif
  ''
