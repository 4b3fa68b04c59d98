# reproducers.NAME. The kernel is compiled. Base and fonts are finished files in Debian's packages:
# they are taken out of these again, which shows where they come from, and compiles nothing.
scope:
scope.lib.genAttrs [
  "base"
  "fonts"
  "kernel"
] (import ./reproducer.nix scope)
