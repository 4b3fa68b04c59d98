# A measured program: the same flags as `cargo xtask build` (xtask/src/hermetic/environment.rs), so the same bytes. docs/reproduce.md
# has the list with reasons.
{
  craneLib,
  lib,
  source,
  sysroot,
  toolchain,
  vendor,
  ...
}:
package:
let
  target = "x86_64-unknown-linux-gnu";
  commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
  # crane vendors each registry into a directory named after it.
  registry = builtins.hashString "sha256" "registry+https://github.com/rust-lang/crates.io-index";
  # The last match wins.
  remaps = [
    "/build/source=/ws"
    "/build/source/target=/ws/target"
    "${vendor}/${registry}=/crates"
    "${toolchain}=/rust"
    "${toolchain}/lib/rustlib/src/rust=/rustc/${commit}"
  ];
  flags = [
    "-Ctarget-feature=+crt-static"
    "-Cstrip=symbols"
    "-Ccodegen-units=1"
    "--cfg=getrandom_backend=\"linux_getrandom\""
  ]
  ++ map (remap: "--remap-path-prefix=${remap}") remaps;
  arguments = {
    src = source;
    cargoVendorDir = vendor;
    pname = package;
    version = "0.1.0";
    strictDeps = true;
    doCheck = false;
    # Nothing may touch the program after the linker: no strip, no patchelf.
    dontFixup = true;
    doNotPostBuildInstallCargoBinaries = false;
    doNotRemoveReferencesToVendorDir = true;
    doNotRemoveReferencesToRustToolchain = true;
    cargoExtraArgs = "--locked --package ${package} --bin ${package}";

    CARGO_PROFILE = "enclave";
    CARGO_BUILD_TARGET = target;
    CARGO_INCREMENTAL = "0";
    CARGO_ENCODED_RUSTFLAGS = lib.concatStringsSep (builtins.fromJSON "\"\\u001f\"") flags;
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER = "${source}/enclave/base/enclave-ld";
    ENCLAVE_SYSROOT = sysroot;
    ENCLAVE_LLD = "${toolchain}/lib/rustlib/${target}/bin/rust-lld";
    # No C compiler takes part (law 2).
    CC = "/bin/false";
    CXX = "/bin/false";
    LC_ALL = "C";
    TZ = "UTC";
    # Build scripts run here, with this machine's program interpreter.
    preBuild = ''
      export ENCLAVE_DYNAMIC_LINKER=$(cat ${sysroot}/dynamic-linker)
    '';
  };
in
craneLib.buildPackage (
  arguments
  // {
    cargoArtifacts = craneLib.buildDepsOnly arguments;
  }
)
