# buildEif { image; ... }: an enclave image from a docker-archive or OCI layout, with our kernel and init unless others are given.
# The result holds NAME.eif and NAME.json (the measurements).
{
  pkgs,
  lib,
  tools,
  init,
  kernel,
  ...
}:
let
  ourInit = init;
  ourKernel = kernel;
in
{
  image,
  name ? "enclave",
  version ? "0",
  kernel ? "${ourKernel}/bzImage",
  init ? "${ourInit}/bin/letsesign-init",
  cmdline ? lib.removeSuffix "\n" (builtins.readFile ../enclave/configs/cmdline),
  compress ? "none",
}:
pkgs.runCommand name { inherit cmdline; } ''
  mkdir $out
  ${tools.eif-cli}/bin/eif build ${image} --kernel ${kernel} --init ${init} --cmdline "$cmdline" \
    --name ${name} --version ${version} --compress ${compress} --output $out/${name}.eif
  ${tools.eif-cli}/bin/eif describe --json $out/${name}.eif > $out/${name}.json
''
