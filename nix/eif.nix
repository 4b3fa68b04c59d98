# The enclave image, its description and the container image it was made from: the code that
# `cargo xtask eif` runs, around programs that Nix built.
{
  pkgs,
  select,
  tools,
  init,
  server,
  ...
}:
pkgs.runCommand "letsesign-enclave" { src = select { paths = import ./image-paths.nix; }; } ''
  mkdir programs
  cp ${init}/bin/letsesign-init ${server}/bin/letsesign-server programs/
  programs=$PWD/programs
  cd "$src"
  ${tools.xtask}/bin/xtask eif --programs $programs --output $out
''
