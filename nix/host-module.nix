# The NixOS module services.letsesign-host. `packageOf SYSTEM` is the default package.
{ packageOf }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.letsesign-host;
  toml = pkgs.formats.toml { };
  file = toml.generate "host.toml" cfg.settings;
in
{
  options.services.letsesign-host = {
    enable = lib.mkEnableOption "letsesign-host, the parent instance of signing enclaves";
    package = lib.mkOption {
      type = lib.types.package;
      default = packageOf pkgs.stdenv.hostPlatform.system;
      defaultText = lib.literalExpression "letsesign-host of this flake";
      description = "The package.";
    };
    settings = lib.mkOption {
      inherit (toml) type;
      default = { };
      example = {
        enclave = {
          image = "/usr/share/letsesign/letsesign-enclave.eif";
          accept = [ "/usr/share/letsesign/measurements/2611.json" ];
        };
      };
      description = ''
        host.toml, whose keys host/host.toml of the repository describes. The store is readable by
        everybody: passwords and URLs with passwords belong into environmentFile.
      '';
    };
    environmentFile = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      example = "/run/secrets/letsesign-host";
      description = ''
        File with variables LETSESIGN_HOST_*, such as LETSESIGN_HOST_QUEUE__URL, outside of the
        store.
      '';
    };
    nitroCli = lib.mkOption {
      type = lib.types.nullOr lib.types.package;
      default = null;
      description = ''
        Package with nitro-cli, for the PATH of the service. nixpkgs has none. The kernel module
        nitro_enclaves, its allocator and the group ne are the machine's as well.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.settings ? enclave.image && cfg.settings ? enclave.accept;
        message = "services.letsesign-host.settings.enclave needs image and accept.";
      }
      {
        assertion = !(cfg.settings ? queue.url);
        message =
          "services.letsesign-host: the URL of the database may hold a password; "
          + "set LETSESIGN_HOST_QUEUE__URL in environmentFile.";
      }
    ];

    services.letsesign-host.settings.state = lib.mkDefault "/var/lib/letsesign-host";

    users.users.letsesign-host = {
      isSystemUser = true;
      group = "letsesign-host";
      extraGroups = [ "ne" ];
    };
    users.groups.letsesign-host = { };
    users.groups.ne = { };

    # For `letsesign-host status` and the other commands.
    environment.systemPackages = [ cfg.package ];
    environment.etc."letsesign-host/host.toml".source = file;

    systemd.services.letsesign-host = {
      description = "letsesign-host, the parent instance of signing enclaves";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [
        "network-online.target"
        "nitro-enclaves-allocator.service"
      ];
      path = lib.optional (cfg.nitroCli != null) cfg.nitroCli;
      # A changed configuration starts the host again; enclaves run on.
      restartTriggers = [ file ];
      unitConfig.StartLimitIntervalSec = 0;
      # As in host/deploy/letsesign-host.service, which says why; the check host-module compares.
      serviceConfig = {
        Type = "notify";
        NotifyAccess = "main";
        ExecStart = "${cfg.package}/bin/letsesign-host run";
        EnvironmentFile = lib.optional (cfg.environmentFile != null) cfg.environmentFile;
        User = "letsesign-host";
        Group = "letsesign-host";
        SupplementaryGroups = "ne";
        StateDirectory = "letsesign-host";
        StateDirectoryMode = "0700";
        UMask = "0077";
        Restart = "on-failure";
        RestartSec = "5";
        TimeoutStartSec = "300";
        TimeoutStopSec = "700";
        KillMode = "process";
        LimitNOFILE = "65536";
        LimitCORE = "0";
        NoNewPrivileges = "yes";
        CapabilityBoundingSet = "";
        AmbientCapabilities = "";
        RestrictSUIDSGID = "yes";
        ProtectSystem = "strict";
        ReadWritePaths = "-/run/nitro_enclaves -/var/log/nitro_enclaves";
        ProtectHome = "yes";
        PrivateTmp = "yes";
        ProtectProc = "invisible";
        RemoveIPC = "yes";
        DevicePolicy = "closed";
        DeviceAllow = [
          "/dev/nitro_enclaves rw"
          "/dev/vsock rw"
        ];
        ProtectClock = "yes";
        ProtectControlGroups = "yes";
        ProtectHostname = "yes";
        ProtectKernelLogs = "yes";
        ProtectKernelModules = "yes";
        ProtectKernelTunables = "yes";
        LockPersonality = "yes";
        MemoryDenyWriteExecute = "yes";
        RestrictNamespaces = "yes";
        RestrictRealtime = "yes";
        RestrictAddressFamilies = "AF_INET AF_INET6 AF_UNIX AF_VSOCK AF_NETLINK";
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          "~@privileged @resources"
        ];
        SystemCallErrorNumber = "EPERM";
      };
    };
  };
}
