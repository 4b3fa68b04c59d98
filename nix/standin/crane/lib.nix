# The part of crane's library that the flake uses. Dependencies are not built apart: `buildDepsOnly` gives nothing to reuse.
pkgs:
let
  inherit (pkgs) lib;

  withToolchain =
    toolchain:
    let
      mkCargoDerivation =
        {
          cargoVendorDir,
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
          ]
          // {
            nativeBuildInputs = nativeBuildInputs ++ lib.optional (toolchain != null) toolchain;
            configurePhase = ''
              export CARGO_HOME=$PWD/.cargo-home
              mkdir -p "$CARGO_HOME"
              ${lib.optionalString (cargoVendorDir != null) "cp ${cargoVendorDir}/config.toml $CARGO_HOME/"}
              export CARGO_BUILD_JOBS=''${NIX_BUILD_CORES:-1}
              if [ "$CARGO_BUILD_JOBS" = 0 ]; then export CARGO_BUILD_JOBS=$(nproc); fi
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

      vendorCargoDeps = { src }: import ./vendor.nix { inherit lib pkgs src; };

      buildDepsOnly = _: null;

      buildPackage =
        {
          cargoExtraArgs ? "--locked",
          ...
        }@arguments:
        mkCargoDerivation (
          arguments
          // {
            buildPhaseCargoCommand = "cargo build ${profile} ${cargoExtraArgs}";
            installPhaseCommand = ''
              mkdir -p $out/bin
              find "target/''${CARGO_BUILD_TARGET:-}/''${CARGO_PROFILE:-release}" -maxdepth 1 -type f -perm -100 ! -name '*.so' \
                -exec cp {} $out/bin/ \;
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
            buildPhaseCargoCommand = "cargo clippy ${profile} ${cargoExtraArgs} ${cargoClippyExtraArgs}";
          }
        );

      cargoFmt =
        { ... }@arguments:
        mkCargoDerivation (
          arguments
          // {
            cargoVendorDir = null;
            buildPhaseCargoCommand = "cargo fmt -- --check";
          }
        );

      devShell =
        {
          packages ? [ ],
          ...
        }@arguments:
        pkgs.mkShell (arguments // { packages = packages ++ lib.optional (toolchain != null) toolchain; });
    };
in
withToolchain null
