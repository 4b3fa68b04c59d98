# The part of crane's library that the flake uses.
pkgs:
let
  inherit (pkgs) lib;

  withToolchain =
    toolchain:
    let
      mkCargoDerivation =
        {
          cargoVendorDir,
          cargoArtifacts ? null,
          buildPhaseCargoCommand,
          installPhaseCommand ? "mkdir -p $out",
          nativeBuildInputs ? [ ],
          ...
        }@arguments:
        pkgs.stdenv.mkDerivation (
          builtins.removeAttrs arguments [
            "buildPhaseCargoCommand"
            "installPhaseCommand"
            "cargoArtifacts"
            "cargoExtraArgs"
            "pnameSuffix"
          ]
          // lib.optionalAttrs (arguments ? pnameSuffix) {
            pname = arguments.pname + arguments.pnameSuffix;
          }
          // {
            nativeBuildInputs = nativeBuildInputs ++ lib.optional (toolchain != null) toolchain;
            configurePhase = ''
              export CARGO_HOME=$PWD/.cargo-home
              mkdir -p "$CARGO_HOME"
              ${lib.optionalString (
                cargoVendorDir != null
              ) "cp ${cargoVendorDir}/config.toml $CARGO_HOME/"}
              export CARGO_BUILD_JOBS=''${NIX_BUILD_CORES:-1}
              if [ "$CARGO_BUILD_JOBS" = 0 ]; then export CARGO_BUILD_JOBS=$(nproc); fi
              ${lib.optionalString (cargoArtifacts != null) "tar -xf ${cargoArtifacts}/target.tar"}
            '';
            buildPhase = buildPhaseCargoCommand;
            installPhase = installPhaseCommand;
          }
        );

      profile = "--profile \${CARGO_PROFILE:-release}";
    in
    {
      inherit mkCargoDerivation;

      overrideToolchain = withToolchain;

      vendorCargoDeps = { cargoLock }: import ./vendor.nix { inherit cargoLock lib pkgs; };

      buildDepsOnly = import ./build-deps-only.nix { inherit lib mkCargoDerivation profile; };

      buildPackage =
        {
          cargoExtraArgs ? "--locked",
          ...
        }@arguments:
        mkCargoDerivation (
          arguments
          // {
            buildPhaseCargoCommand = ''
              touch "$NIX_BUILD_TOP/begun"
              cargo build ${profile} ${cargoExtraArgs}
            '';
            # Not the empty programs that came with the dependencies.
            installPhaseCommand = ''
              mkdir -p $out/bin
              # cargo puts what the profile dev makes into debug.
              directory=''${CARGO_PROFILE:-release}
              if [ "$directory" = dev ]; then directory=debug; fi
              find "target/''${CARGO_BUILD_TARGET:-}/$directory" -maxdepth 1 -type f -perm -100 ! -name '*.so' \
                -newer "$NIX_BUILD_TOP/begun" -exec cp {} $out/bin/ \;
            '';
          }
        );

      cargoClippy =
        {
          cargoExtraArgs ? "--locked",
          cargoClippyExtraArgs ? "--all-targets",
          ...
        }@arguments:
        mkCargoDerivation (
          builtins.removeAttrs arguments [ "cargoClippyExtraArgs" ]
          // {
            pnameSuffix = "-clippy";
            buildPhaseCargoCommand =
              "cargo clippy ${profile} ${cargoExtraArgs} ${cargoClippyExtraArgs}";
          }
        );

      cargoDeny =
        {
          cargoDenyChecks ? "bans licenses sources",
          cargoExtraArgs ? "",
          nativeBuildInputs ? [ ],
          ...
        }@arguments:
        mkCargoDerivation (
          arguments
          // {
            pnameSuffix = "-deny";
            cargoArtifacts = null;
            nativeBuildInputs = nativeBuildInputs ++ [ pkgs.cargo-deny ];
            buildPhaseCargoCommand =
              "cargo --offline ${cargoExtraArgs} deny check ${cargoDenyChecks}";
          }
        );

      cargoDoc =
        {
          cargoExtraArgs ? "--locked",
          cargoDocExtraArgs ? "--no-deps",
          ...
        }@arguments:
        mkCargoDerivation (
          arguments
          // {
            pnameSuffix = "-doc";
            buildPhaseCargoCommand = "cargo doc ${profile} ${cargoExtraArgs} ${cargoDocExtraArgs}";
          }
        );

      cargoNextest =
        {
          cargoExtraArgs ? "",
          cargoNextestExtraArgs ? "",
          nativeBuildInputs ? [ ],
          ...
        }@arguments:
        mkCargoDerivation (
          builtins.removeAttrs arguments [ "cargoNextestExtraArgs" ]
          // {
            pnameSuffix = "-nextest";
            nativeBuildInputs = nativeBuildInputs ++ [ pkgs.cargo-nextest ];
            buildPhaseCargoCommand =
              "cargo nextest run \${CARGO_PROFILE:+--cargo-profile $CARGO_PROFILE} "
              + "${cargoExtraArgs} ${cargoNextestExtraArgs}";
          }
        );

      cargoFmt =
        arguments:
        mkCargoDerivation (
          arguments
          // {
            pnameSuffix = "-fmt";
            cargoVendorDir = null;
            buildPhaseCargoCommand = "cargo fmt -- --check";
          }
        );

      devShell =
        {
          packages ? [ ],
          ...
        }@arguments:
        pkgs.mkShell (
          arguments // { packages = packages ++ lib.optional (toolchain != null) toolchain; }
        );
    };
in
withToolchain null
