# buildEif { ... }: an enclave image, with our kernel and init unless others are given.
# docs/reproduce.md describes the arguments. The result holds NAME.eif and NAME.json (what
# `eif describe --json` says).
#
# The content of the enclave comes from one of
#
#   image        a docker-archive or OCI layout; or { imageName, imageDigest, hash } of an image in
#                a registry, as nixpkgs' dockerTools.pullImage takes it;
#   copyToRoot   packages: their files at the root, with everything that they need in /nix/store;
#   ramdisks     finished ramdisks, kept byte for byte (their init is in them). Beside image or
#                copyToRoot they follow the two that are made of it, in order.
scope@{
  pkgs,
  lib,
  tools,
  init,
  kernel,
  ...
}:
let
  rootFromClosure = import ./root-from-closure.nix scope;
  ours = {
    cmdline = lib.removeSuffix "\n" (builtins.readFile ../enclave/configs/cmdline);
    init = "${init}/bin/letsesign-init";
    kernel = "${kernel}/bzImage";
  };
in
{
  image ? null,
  copyToRoot ? null,
  ramdisks ? null,
  name ? "enclave",
  version ? "0",
  arch ? "x86_64",
  # Kernel (bzImage, or Image for aarch64), PID 1 and kernel command line. Ours are for x86_64.
  kernel ? ours.kernel,
  init ? ours.init,
  cmdline ? ours.cmdline,
  compress ? "none",
  # In the place of the image's own, where given.
  entrypoint ? null,
  env ? { },
  user ? null,
  workdir ? null,
  # Further words for `eif build`.
  extraArgs ? [ ],
  meta ? { },
  passthru ? { },
}:
let
  hasTree = image != null || copyToRoot != null;
in
assert lib.assertMsg (
  image == null || copyToRoot == null
) "buildEif ${name}: give image or copyToRoot, not both";
assert lib.assertMsg (
  hasTree || (ramdisks != null && ramdisks != [ ])
) "buildEif ${name}: give image, copyToRoot or ramdisks";
assert lib.assertMsg (
  copyToRoot == null || entrypoint != null
) "buildEif ${name}: copyToRoot names no program; give entrypoint, a list of words";
assert lib.assertMsg (
  arch == "x86_64" || (kernel != ours.kernel && (!hasTree || init != ours.init))
) "buildEif ${name}: our kernel and init are for x86_64; give kernel and init for ${arch}";
let
  root = if copyToRoot == null then null else rootFromClosure copyToRoot;
  option =
    flag: value:
    lib.optionals (value != null) [
      flag
      (toString value)
    ];
  repeated = flag: values: lib.concatMap (option flag) values;
  source =
    if !hasTree then
      [ ]
    else if copyToRoot != null then
      [
        "--root"
        "${root}"
        # Owners in the store are those of the machine.
        "--owner"
        "0:0"
      ]
    else if image ? imageDigest then
      [ "${pkgs.dockerTools.pullImage image}" ]
    else
      [ "${image}" ];
  arguments =
    source
    ++ repeated "--ramdisk" (if ramdisks == null then [ ] else ramdisks)
    ++ option "--kernel" kernel
    ++ option "--cmdline" cmdline
    ++ option "--name" name
    ++ option "--version" version
    ++ option "--arch" arch
    ++ lib.optionals hasTree (option "--init" init ++ option "--compress" compress)
    ++ repeated "--exec" (if entrypoint == null then [ ] else entrypoint)
    ++ repeated "--env" (lib.mapAttrsToList (variable: value: "${variable}=${toString value}") env)
    ++ option "--user" user
    ++ option "--workdir" workdir
    ++ extraArgs;
in
pkgs.runCommand name
  {
    inherit version;
    passthru = passthru // {
      inherit root;
      # PCR0 to PCR2, as `eif verify --expect` and pcrCheck take them.
      pcrs = pkgs.runCommand "${name}-pcrs.json" { } ''
        ${tools.eif-cli}/bin/eif measure --json ${lib.escapeShellArgs arguments} > $out
      '';
    };
    meta = {
      description = "AWS Nitro enclave image ${name}";
      platforms = [ "x86_64-linux" ];
    }
    // meta;
  }
  ''
    mkdir $out
    image=$out/${lib.escapeShellArg name}
    ${tools.eif-cli}/bin/eif build ${lib.escapeShellArgs arguments} --output "$image.eif"
    ${tools.eif-cli}/bin/eif describe --json "$image.eif" > "$image.json"
  ''
