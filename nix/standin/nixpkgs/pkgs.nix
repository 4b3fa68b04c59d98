# The packages. Derivations run the host's bash and find those of the host's tools, which
# `cargo xtask nix` lets into the sandbox at /usr, that stdenv or a package of theirs has.
{
  lib,
  system,
  emulator,
}:
let
  programs = import ./programs.nix;

  # The host's programs of one package, as far as the host has them.
  hostPrograms =
    name: names:
    derivation {
      inherit name system names;
      builder = "/bin/bash";
      args = [
        "-c"
        ''
          export PATH=/usr/bin:/bin:/usr/sbin:/sbin
          mkdir -p $out/bin
          for name in $names; do
            if program=$(type -P "$name"); then ln -s "$program" "$out/bin/$name"; fi
          done
        ''
      ];
    };
  stdenvPrograms = hostPrograms "stdenv-programs" programs.stdenv;

  # stdenv.mkDerivation: phases and hooks of the same names, in the same order.
  mkDerivation =
    arguments:
    derivation (
      builtins.removeAttrs arguments [ "env" "passthru" "meta" ]
      // (arguments.env or { })
      // {
        inherit system;
        name = arguments.name or "${arguments.pname}-${arguments.version}";
        builder = "/bin/bash";
        # A store path of its own, so that a change beside it builds nothing again.
        args = [ "${./setup.sh}" ];
        hostPath = "${stdenvPrograms}/bin";
      }
    )
    // (arguments.passthru or { })
    // {
      meta = arguments.meta or { };
    };

  runCommand =
    name: environment: script:
    mkDerivation (
      environment
      // {
        inherit name;
        buildCommand = script;
      }
    );

  # A program of the host, which `cargo xtask nix` binds to PLACE when the host has it.
  hostProgram =
    name: place: install:
    runCommand name { } ''
      mkdir -p $out/bin
      if [ ! -e ${place} ]; then
        echo "${name}: this host has none; install it (cargo install --locked ${name}) and run again" >&2
        exit 1
      fi
      ln -s ${place} $out/bin/${name}
      ${install}
    '';
in
# What `nix develop` starts, and what recipes and tests name.
builtins.mapAttrs hostPrograms (builtins.removeAttrs programs [ "stdenv" ])
// {
  inherit lib runCommand system;
  runCommandLocal = runCommand;
  stdenv = {
    inherit mkDerivation;
    hostPlatform = { inherit system; };
  };

  cargo-deny = hostProgram "cargo-deny" "/tools/bin/cargo-deny" "";
  cargo-nextest = hostProgram "cargo-nextest" "/tools/bin/cargo-nextest" "";

  writeText =
    name: text:
    runCommand name { inherit text; passAsFile = [ "text" ]; } ''
      cp "$textPath" $out
    '';

  # Only what is in the store already: this machine has no way to fetch.
  fetchurl =
    {
      url,
      sha256,
      name ? baseNameOf url,
      ...
    }:
    derivation {
      inherit name system;
      builder = "/bin/bash";
      args = [
        "-c"
        "echo 'not in the store: ${url}; run: cargo xtask prefetch' >&2; exit 1"
      ];
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = sha256;
    };

  mkShell =
    {
      packages ? [ ],
      ...
    }@arguments:
    mkDerivation (
      builtins.removeAttrs arguments [ "packages" ]
      // {
        name = "shell";
        # `nix develop` runs this instead of the builder and keeps the environment, for outputs that are named.
        outputs = [ "out" ];
        stdenv = runCommand "stdenv" { } ''
          mkdir $out
          cp ${./shell.sh} $out/setup
        '';
        nativeBuildInputs = packages;
        buildCommand = "touch $out";
      }
    );
}
// lib.optionalAttrs emulator {
  qemu =
    let
      patched = hostProgram "qemu-system-x86_64" "/emulator/qemu/bin/qemu-system-x86_64" ''
        mkdir $out/share
        ln -s /emulator/qemu/firmware $out/share/qemu
      '';
    in
    patched // { override = _: patched // { overrideAttrs = _: patched; }; };
  # The host's are patched already.
  vhost-device-vsock = hostProgram "vhost-device-vsock" "/emulator/vsock/vhost-device-vsock" "" // {
    overrideAttrs = _: hostProgram "vhost-device-vsock" "/emulator/vsock/vhost-device-vsock" "";
  };
}
