{
  description = "What this repository's flake uses of crane, by crane's documented interface";

  outputs = _: { mkLib = import ./lib.nix; };
}
