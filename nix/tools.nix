# The tools, for everybody: release builds, one package each, with shell completions.
#
# They share their dependencies: all are selected together, so that a crate has the same features
# for each of them, and each derivation builds one program.
{
  cargoSource,
  craneLib,
  init,
  kernel,
  lib,
  members,
  pkgs,
  vendor,
  ...
}:
let
  packages = {
    canoni = "Make container images canonical";
    eif = "Build, describe, compare and verify AWS Nitro enclave images";
    letsesign-verify = "Verify signed documents, key policies and releases of letsesign-enclave";
    xtask = "Build, measure, reproduce and test the letsesign enclave";
  };
  names = builtins.attrNames packages;
  selection = lib.concatMapStringsSep " " (name: "--package ${name}") names;
  common = {
    cargoVendorDir = vendor;
    inherit (members) version;
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    CARGO_PROFILE = "release";
    # crane's hook takes for granted that the toolchain is in the store. It need not be: auditors
    # may bring their own. Without rust-src, the compiler writes no path of it into a program.
    doNotRemoveReferencesToRustToolchain = true;
  };
  # A check of all dependencies before they are built has no use: nothing that only checks follows.
  cargoArtifacts = craneLib.buildDepsOnly (
    common
    // cargoSource names
    // {
      pname = "letsesign-tools";
      cargoExtraArgs = "--locked ${selection}";
      cargoCheckCommand = "true";
    }
  );
  tool =
    name: description:
    craneLib.buildPackage (
      common
      // cargoSource [ name ]
      // {
        inherit cargoArtifacts;
        pname = name;
        cargoExtraArgs = "--locked ${selection} --bin ${name}";
        postInstall = ''
          ${completions.${name} or ""}
        '';
        meta = {
          inherit description;
          license = [
            lib.licenses.mit
            lib.licenses.asl20
          ];
          mainProgram = name;
          platforms = lib.platforms.unix;
        };
      }
      # It embeds them. Apart from the source: a new measurement compiles nothing else again.
      // lib.optionalAttrs (name == "letsesign-verify") {
        LETSESIGN_MEASUREMENTS = ../measurements;
      }
    );
  # In the places where bash, zsh and fish look for the completions of a profile.
  completions = lib.mapAttrs (
    name: _:
    let
      # canoni has no subcommands; xtask is for developers, who run it by cargo.
      command = "$out/bin/${name} ${if name == "canoni" then "--completions" else "completions"}";
    in
    lib.optionalString (name != "xtask") ''
      mkdir -p $out/share/bash-completion/completions $out/share/zsh/site-functions \
        $out/share/fish/vendor_completions.d
      ${command} bash > $out/share/bash-completion/completions/${name}
      ${command} zsh > $out/share/zsh/site-functions/_${name}
      ${command} fish > $out/share/fish/vendor_completions.d/${name}.fish
    ''
  ) packages;
  all = lib.mapAttrs tool packages;
  # With our kernel and init where the program looks for them. A copy: it looks beside itself, where
  # links lead, and a change of init does not compile it again.
  eif-cli =
    pkgs.runCommand "eif-${members.version}"
      {
        inherit (all.eif) meta version;
        pname = "eif";
      }
      ''
        mkdir -p $out/share/letsesign-enclave
        cp -r --no-preserve=ownership ${all.eif}/. $out/
        chmod -R u+w $out
        cp ${kernel}/bzImage $out/share/letsesign-enclave/
        cp ${init}/bin/letsesign-init $out/share/letsesign-enclave/init
        cp ${../enclave/configs/cmdline} $out/share/letsesign-enclave/cmdline

        # The enclave that names no kernel is the one that names these.
        mkdir -p root/bin
        cp $out/share/letsesign-enclave/init root/bin/app
        unset EIF_BLOBS NITRO_CLI_BLOBS
        $out/bin/eif measure --root root --owner 0:0 -- /bin/app > by-default
        share=$out/share/letsesign-enclave
        $out/bin/eif measure --root root --owner 0:0 --kernel $share/bzImage --init $share/init \
          --cmdline @$share/cmdline -- /bin/app > by-name
        cmp by-default by-name
      '';
in
{
  inherit (all) canoni letsesign-verify xtask;
  # `eif` is the image in packages and overlay.
  eif-cli = if pkgs.stdenv.hostPlatform.system == "x86_64-linux" then eif-cli else all.eif;
}
