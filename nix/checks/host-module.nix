# The NixOS module evaluates: its service is the unit of host/deploy, its configuration is what was
# set, and its assertions hold. Without NixOS: options of its own stand for those that the module
# sets, so that nixpkgs' lib alone is needed, or its test double.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  # What the module sets of NixOS.
  nixos.options =
    lib.genAttrs
      [
        "environment"
        "systemd"
        "users"
      ]
      (
        _:
        mkOption {
          type = types.attrs;
          default = { };
        }
      )
    // {
      assertions = mkOption {
        type = types.listOf types.attrs;
        default = [ ];
      };
    };
  # Instead of a build of the host, which this check is not about.
  package = pkgs.runCommand "letsesign-host" { } ''
    mkdir -p $out/bin
    touch $out/bin/letsesign-host
  '';
  evaluate =
    values:
    (lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = [
        nixos
        (import ../host-module.nix { packageOf = _: package; })
        { services.letsesign-host = values; }
      ];
    }).config;
  enclave = {
    image = "/enclave.eif";
    accept = [ "/2611.json" ];
    memory-mib = 2048;
  };
  good = evaluate {
    enable = true;
    environmentFile = "/run/secrets/letsesign-host";
    settings = {
      inherit enclave;
      relay.allow."kms.us-east-1.amazonaws.com" = [ "10.0.0.0/16" ];
    };
  };
  disabled = evaluate { };
  holds = config: lib.all (one: one.assertion) config.assertions;
  refused =
    settings:
    !(holds (evaluate {
      enable = true;
      inherit settings;
    }));

  service = good.systemd.services.letsesign-host.serviceConfig;
  # KEY=VALUE lines, as in the unit.
  lines = lib.concatLists (
    lib.mapAttrsToList (
      name: value: map (one: "${name}=${toString one}") (lib.toList value)
    ) service
  );
in
assert holds good;
assert disabled.systemd == { } && disabled.users == { } && disabled.assertions == [ ];
assert refused { };
assert refused { enclave = { inherit (enclave) image; }; };
assert refused {
  inherit enclave;
  queue.url = "postgresql://user:password@host/queue";
};
assert builtins.elem "ne" good.users.users.letsesign-host.extraGroups;
pkgs.runCommand "check-host-module"
  {
    unit = ../../host/deploy/letsesign-host.service;
    config = good.environment.etc."letsesign-host/host.toml".source;
    service = lib.concatStringsSep "\n" lines;
    nativeBuildInputs = [ pkgs.python3 ];
  }
  ''
    # The same settings, but for the paths of the store and of the environment.
    settings() {
      sed -e 's,=/.*/bin/letsesign-host,=letsesign-host,' -e '/^EnvironmentFile=/d' | sort
    }
    sed -n '/^\[Service\]/,/^\[Install\]/{/^[A-Z][A-Za-z]*=/p;}' "$unit" | settings > expected
    printf '%s\n' "$service" | settings > actual
    test "$(wc -l < expected)" -gt 30
    diff expected actual

    python3 - "$config" <<'END'
    import sys, tomllib
    with open(sys.argv[1], "rb") as file:
        found = tomllib.load(file)
    expected = {
        "state": "/var/lib/letsesign-host",
        "enclave": {"image": "/enclave.eif", "accept": ["/2611.json"], "memory-mib": 2048},
        "relay": {"allow": {"kms.us-east-1.amazonaws.com": ["10.0.0.0/16"]}},
    }
    assert found == expected, found
    END
    touch $out
  ''
