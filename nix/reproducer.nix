# reproducer NAME: runs the very recipe of reproducers/NAME that `cargo xtask reproduce NAME` runs,
# here in the sandbox, and fails with what differs from the repository. The result is the report.
{
  pkgs,
  select,
  tools,
  pinnedPackages,
  ...
}:
name:
pkgs.runCommand "reproduced-${name}"
  {
    src = select {
      paths = [
        "enclave/base"
        "enclave/packages"
        "reproducers/${name}"
      ];
    };
    # What recipes take from the machine. The compiler is in the pinned packages.
    nativeBuildInputs = [
      pkgs.binutils
      pkgs.util-linux
      pkgs.xz
    ];
  }
  ''
    export XDG_CACHE_HOME=$PWD/cache CARGO_TARGET_DIR=$PWD/target TMPDIR=$PWD
    jobs=$NIX_BUILD_CORES
    if [ "$jobs" = 0 ]; then jobs=$(nproc); fi
    cd "$src"
    ${tools.xtask}/bin/xtask reproduce ${name} --jobs "$jobs" \
      --packages ${pinnedPackages (../reproducers + "/${name}/packages.json")} | tee $out
  ''
