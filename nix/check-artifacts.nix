# The dependencies as `cargo check` leaves them, compiled once for what generates no code: clippy
# and the documentation.
{ craneLib, workspace, ... }:
craneLib.buildDepsOnly (
  builtins.removeAttrs workspace [ "cargoArtifacts" ]
  // {
    pname = "${workspace.pname}-check";
    cargoCheckExtraArgs = "--all-targets";
    cargoBuildCommand = "true";
  }
)
