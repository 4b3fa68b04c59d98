# The functions of nixpkgs' lib that the flake and the other stand-ins use, with the same names, arguments and results.
let
  inherit (builtins)
    listToAttrs
    map
    mapAttrs
    stringLength
    substring
    ;
in
rec {
  version = "26.05";

  genAttrs = names: value: listToAttrs (map (name: { inherit name; value = value name; }) names);
  inherit mapAttrs;
  optionalAttrs = condition: attributes: if condition then attributes else { };
  optional = condition: element: if condition then [ element ] else [ ];
  optionals = condition: elements: if condition then elements else [ ];
  optionalString = condition: text: if condition then text else "";
  importJSON = path: builtins.fromJSON (builtins.readFile path);
  escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
  concatStringsSep = builtins.concatStringsSep;
  concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      from = stringLength text - stringLength suffix;
    in
    from >= 0 && substring from (stringLength suffix) text == suffix;
  removePrefix =
    prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix =
    suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;

  cleanSourceFilter =
    path: type:
    let
      name = baseNameOf (toString path);
    in
    !(
      (type == "directory" && (name == ".git" || name == ".svn"))
      || hasSuffix "~" name
      || (type == "symlink" && hasPrefix "result" name)
      || type == "unknown"
    );
  cleanSourceWith =
    {
      src,
      filter ? (_: _: true),
      name ? "source",
    }:
    builtins.path {
      inherit filter name;
      path = src;
    };
}
