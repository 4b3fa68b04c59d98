# The code is formatted.
{ craneLib, source, ... }:
craneLib.cargoFmt {
  src = source;
  pname = "letsesign-workspace";
  version = "0.1.0";
}
