# The packages. Derivations run the host's bash and find those of the host's tools, which
# `cargo xtask nix` lets into the sandbox at /usr, that stdenv or a package of theirs has.
{
  lib,
  system,
  emulator,
}:
let
  programs = import ./programs.nix;

  # The host's programs of one package. The store keeps the result, and a host gains programs later:
  # a package that lacks one fails, so that it is made again; stdenv takes what is there.
  hostPrograms = name: names: linked name names { required = true; };
  linked =
    name: names:
    { required }:
    derivation {
      inherit
        name
        names
        required
        system
        ;
      builder = "/bin/bash";
      args = [
        "-c"
        ''
          export PATH=/usr/bin:/bin:/usr/sbin:/sbin
          mkdir -p $out/bin
          for name in $names; do
            if program=$(type -P "$name"); then
              ln -s "$program" "$out/bin/$name"
            elif [ -n "$required" ]; then
              echo "this host has no $name in /usr/bin; install it and run again" >&2
              exit 1
            fi
          done
        ''
      ];
    };
  stdenvPrograms = linked "stdenv-programs" programs.stdenv { required = false; };

  # stdenv.mkDerivation: phases and hooks of the same names, in the same order.
  mkDerivation =
    {
      name ? "${arguments.pname}-${arguments.version}",
      env ? { },
      passthru ? { },
      meta ? { },
      ...
    }@arguments:
    derivation (
      builtins.removeAttrs arguments [ "env" "passthru" "meta" ]
      // env
      // {
        inherit name system;
        builder = "/bin/bash";
        # A store path of its own, so that a change beside it builds nothing again.
        args = [ "${./setup.sh}" ];
        hostPath = "${stdenvPrograms}/bin";
      }
    )
    // passthru
    // {
      inherit meta;
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

  writeText =
    name: text:
    runCommand name { inherit text; passAsFile = [ "text" ]; } ''
      cp "$textPath" $out
    '';

  # A program of the host, which `cargo xtask nix` binds to PLACE when the host has it.
  hostProgram =
    name: place: install:
    runCommand name { } ''
      mkdir -p $out/bin
      if [ ! -e ${place} ]; then
        echo "${name}: this host has none; run: cargo install --locked ${name}" >&2
        exit 1
      fi
      ln -s ${place} $out/bin/${name}
      ${install}
    '';
in
# What `nix develop` starts, and what recipes and tests name.
builtins.mapAttrs hostPrograms (builtins.removeAttrs programs [ "stdenv" ])
// {
  inherit
    lib
    runCommand
    system
    writeText
    ;
  runCommandLocal = runCommand;
  stdenv = {
    inherit mkDerivation;
    hostPlatform = { inherit system; };
  };

  cargo-deny = hostProgram "cargo-deny" "/tools/bin/cargo-deny" "";
  cargo-nextest = hostProgram "cargo-nextest" "/tools/bin/cargo-nextest" "";
  deadnix = hostProgram "deadnix" "/tools/bin/deadnix" "";

  # Each value as TOML writes it within a line. Texts of JSON are texts of TOML.
  formats.toml =
    { }:
    {
      type = lib.types.attrs;
      generate =
        name: value:
        let
          inherit (builtins) isAttrs isList toJSON;
          members = lib.mapAttrsToList (key: one: "${toJSON key} = ${inline one}");
          inline =
            one:
            if isAttrs one then
              "{ ${lib.concatStringsSep ", " (members one)} }"
            else if isList one then
              "[ ${lib.concatMapStringsSep ", " inline one} ]"
            else
              toJSON one;
        in
        writeText name (lib.concatStringsSep "\n" (members value) + "\n");
    };

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
        # `nix develop` runs this instead of the builder and keeps the environment, for outputs that
        # are named.
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
