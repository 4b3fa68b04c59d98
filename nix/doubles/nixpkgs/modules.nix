# lib.evalModules and what modules call, as far as the check host-module needs them: options in
# sets, one or more modules that define each, mkIf around a module's whole config, mkDefault around
# a value.
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    filter
    head
    isAttrs
    isList
    isString
    length
    mapAttrs
    ;
  kindOf = value: if isAttrs value then value._type or null else null;
  isSet = value: isAttrs value && kindOf value == null && (value.type or null) != "derivation";

  # Sets are merged, one within the other. Of other values there may be one, beside which one by
  # mkDefault gives way.
  deep =
    at: values:
    let
      strong = filter (value: kindOf value != "default") values;
      used = if strong == [ ] then map (value: value.content) values else strong;
    in
    if all isSet used then
      builtins.zipAttrsWith (name: deep "${at}.${name}") used
    else
      once at used;
  once =
    at: values:
    if length values == 1 then head values else throw "${at} is defined more than once";

  type = name: check: merge: { inherit check merge name; };
  types = {
    attrs = type "attrs" isAttrs deep;
    bool = type "bool" builtins.isBool once;
    package = type "package" (value: (value.type or null) == "derivation") once;
    path = type "path" (
      value: builtins.isPath value || (isString value && lib.hasPrefix "/" value)
    ) once;
    listOf =
      element:
      type "listOf ${element.name}" (value: isList value && all element.check value) (
        _: concatLists
      );
    nullOr =
      element: type "nullOr ${element.name}" (value: value == null || element.check value) once;
  };

  isOption = value: kindOf value == "option";
  mergeOptions =
    at: options:
    if length options == 1 then
      head options
    else if lib.any isOption options then
      throw "the option ${at} is declared more than once"
    else
      builtins.zipAttrsWith (name: mergeOptions "${at}.${name}") options;

  # The value of an option, or the set of values of a set of options, by definitions: pairs of a
  # condition and a value. Conditions may read other options, so that nothing but an option's own
  # value asks for them.
  evaluate =
    at: option: definitions:
    let
      given = map (one: one.value) (filter (one: one.condition) definitions);
      value = if given == [ ] then option.default else option.type.merge at given;
      unknown = filter (name: !(option ? ${name})) (
        concatLists (map (one: attrNames one.value) definitions)
      );
      within =
        name: inner:
        evaluate "${at}.${name}" inner (
          map (one: {
            inherit (one) condition;
            value = one.value.${name};
          }) (filter (one: one.value ? ${name}) definitions)
        );
    in
    if !(isOption option) then
      if unknown == [ ] then
        mapAttrs within option
      else
        throw "the option ${at}.${head unknown} does not exist"
    else if option.type.check value then
      value
    else
      throw "${at} is not of type ${option.type.name}";
in
{
  inherit types;
  mkOption = attributes: attributes // { _type = "option"; };
  mkEnableOption = name: {
    _type = "option";
    type = types.bool;
    default = false;
    description = "Whether to enable ${name}.";
  };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkDefault = content: {
    _type = "default";
    inherit content;
  };
  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };

  evalModules =
    {
      modules,
      specialArgs ? { },
    }:
    let
      called = map (
        module:
        if builtins.isFunction module then
          module (specialArgs // { inherit config lib; })
        else
          module
      ) modules;
      options = mergeOptions "options" (map (module: module.options or { }) called);
      # A module with neither `options` nor `config` is its config.
      configOf = module: module.config or (if module ? options then { } else module);
      definitions = map (
        module:
        let
          own = configOf module;
        in
        if kindOf own == "if" then
          {
            inherit (own) condition;
            value = own.content;
          }
        else
          {
            condition = true;
            value = own;
          }
      ) called;
      config = evaluate "config" options definitions;
    in
    {
      inherit config options;
    };
}
