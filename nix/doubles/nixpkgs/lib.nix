# The functions of nixpkgs' lib that the flake and the other test doubles use, with the same names,
# arguments and results.
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

  inherit
    (import ./modules.nix { lib = import ./lib.nix; })
    evalModules
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkOption
    types
    ;

  genAttrs = names: value: listToAttrs (map (name: { inherit name; value = value name; }) names);
  inherit mapAttrs;
  mapAttrsToList =
    f: attributes: map (name: f name attributes.${name}) (builtins.attrNames attributes);
  optionalAttrs = condition: attributes: if condition then attributes else { };
  optional = condition: element: if condition then [ element ] else [ ];
  optionals = condition: elements: if condition then elements else [ ];
  optionalString = condition: text: if condition then text else "";
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    concatStringsSep
    foldl'
    ;
  imap0 =
    f: list:
    builtins.genList (index: f index (builtins.elemAt list index)) (builtins.length list);
  toList = value: if builtins.isList value then value else [ value ];
  count = wanted: list: builtins.length (builtins.filter wanted list);
  assertMsg = condition: message: condition || throw message;
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  importTOML = path: builtins.fromTOML (builtins.readFile path);
  importJSON = path: builtins.fromJSON (builtins.readFile path);
  escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
  concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);

  licenses = {
    mit = {
      spdxId = "MIT";
      free = true;
    };
    asl20 = {
      spdxId = "Apache-2.0";
      free = true;
    };
  };
  platforms = rec {
    linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    darwin = [
      "x86_64-darwin"
      "aarch64-darwin"
    ];
    unix = linux ++ darwin;
  };

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
    suffix: text:
    if hasSuffix suffix text then
      substring 0 (stringLength text - stringLength suffix) text
    else
      text;

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
  # Filters of filtered sources are combined, as in nixpkgs: only the tree itself is read.
  cleanSourceWith =
    {
      src,
      filter ? (_: _: true),
      name ? "source",
    }:
    let
      filtered = src ? _isLibCleanSourceWith;
      origSrc = if filtered then src.origSrc else src;
      both = if filtered then path: type: src.filter path type && filter path type else filter;
    in
    {
      _isLibCleanSourceWith = true;
      inherit name origSrc;
      filter = both;
      outPath = builtins.path {
        inherit name;
        filter = both;
        path = origSrc;
      };
    };
}
