# A measured program: the same flags as `cargo xtask build` (xtask/src/hermetic/environment.rs), so
# the same bytes. docs/reproduce.md has the list with reasons. The result holds bin/PROGRAM and, for
# `cargo xtask build --verify`, the map of its last link.
{
  cargoSource,
  craneLib,
  lib,
  members,
  select,
  sysroot,
  vendor,
  ...
}:
package:
let
  target = "x86_64-unknown-linux-gnu";
  commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
  # crane vendors each registry into a directory named after it.
  registry = builtins.hashString "sha256" "registry+https://github.com/rust-lang/crates.io-index";
  flags = [
    "-Ctarget-feature=+crt-static"
    "-Cstrip=symbols"
    "-Ccodegen-units=1"
    "--cfg=getrandom_backend=\"linux_getrandom\""
  ]
  # The last match wins. The shell knows the first two and the toolchain's: a toolchain may be links
  # to another place, and rustc writes the place where it finds itself.
  ++ map (remap: "--remap-path-prefix=${remap}") [
    "$PWD=/ws"
    "$PWD/target=/ws/target"
    "${vendor}/${registry}=/crates"
    "$rust=/rust"
    "$rust/lib/rustlib/src/rust=/rustc/${commit}"
  ];
  base = select { paths = [ "enclave/base/enclave-ld" ]; };
  arguments = cargoSource [ package ] // {
    cargoVendorDir = vendor;
    pname = package;
    inherit (members) version;
    strictDeps = true;
    doCheck = false;
    # Nothing may touch the program after the linker: no strip, no patchelf, no hook of crane's.
    dontFixup = true;
    doNotRemoveReferencesToVendorDir = true;
    doNotRemoveReferencesToRustToolchain = true;
    # Program and package have one name.
    cargoExtraArgs = "--locked --package ${package} --bin ${package}";

    CARGO_PROFILE = "enclave";
    CARGO_BUILD_TARGET = target;
    CARGO_INCREMENTAL = "0";
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER = "${base}/enclave/base/enclave-ld";
    ENCLAVE_SYSROOT = sysroot;
    # No C compiler takes part (law 2).
    CC = "/bin/false";
    CXX = "/bin/false";
    LC_ALL = "C";
    TZ = "UTC";
    preBuild = ''
      rust=$(rustc --print sysroot)
      export ENCLAVE_LLD=$rust/lib/rustlib/${target}/bin/rust-lld
      # Build scripts run here, with this machine's program interpreter.
      export ENCLAVE_DYNAMIC_LINKER=$(cat ${sysroot}/dynamic-linker)
      export ENCLAVE_LINK_MAP=$NIX_BUILD_TOP/maps
      mkdir -p "$ENCLAVE_LINK_MAP"
      flags=(
        ${lib.concatMapStringsSep "\n    " builtins.toJSON flags}
      )
      # Empty is not absent: cargo hashes this variable into the names of the workspace's own
      # crates.
      export RUSTC_WRAPPER= RUSTC_WORKSPACE_WRAPPER=
      # cargo separates these flags by the character 0x1f.
      export CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf '%s' "''${flags[*]}")
    '';
  };
in
craneLib.buildPackage (
  arguments
  // {
    # A second pass over all dependencies, for programs that are checked and not built, has no use.
    cargoArtifacts = craneLib.buildDepsOnly (arguments // { cargoCheckCommand = "true"; });
    postInstall = ''
      mkdir $out/maps
      cp -p "$ENCLAVE_LINK_MAP"/${builtins.replaceStrings [ "-" ] [ "_" ] package}-*.map $out/maps/
    '';
  }
)
