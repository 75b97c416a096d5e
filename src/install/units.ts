// The texts that make a service of this program: systemd, launchd, OpenRC. They stand here and nowhere else; the install
// scripts ask `ollama service install` for them.

export const SERVICE_USER = "ollama";
/** Ollama's own, so that its models and settings stay where they are. */
export const SERVICE_HOME = "/usr/share/ollama";
export const LAUNCHD_LABEL = "com.ollama.serve";

/** Tells our unit from one that Ollama's installer or a person wrote. */
export const UNIT_MARK = "# Written by `ollama service install`; settings belong in a drop-in (systemctl edit ollama).";

export interface SystemUnit {
  readonly binary: string;
  readonly user: string;
  readonly group: string;
  readonly home: string;
  /** Set by a drop-in or an older unit; "" for the home's own. */
  readonly modelsDir: string;
}

/**
 * Writing is left only to the service's own home and the models directory; GPUs stay reachable. JavaScript is compiled
 * while it runs, so memory must be allowed to become executable.
 */
export function systemdSystemUnit({ binary, user, group, home, modelsDir }: SystemUnit): string {
  const writable = [home, ...(modelsDir === "" || modelsDir.startsWith(`${home}/`) ? [] : [modelsDir])];
  const needsHomes = [home, modelsDir].some((path) => /^\/(home|root|run\/user)(\/|$)/.test(path));
  return `${UNIT_MARK}
[Unit]
Description=Ollama Service
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${quoted(binary)} serve
User=${user}
Group=${group}
Restart=always
RestartSec=3
UMask=0022

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=full
ReadWritePaths=${writable.map((path) => `-${quoted(path)}`).join(" ")}
ProtectHome=${needsHomes ? "no" : "yes"}
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

/** In a user's own manager: what protects files there needs privileges that it may not have. */
export function systemdUserUnit(binary: string): string {
  return `${UNIT_MARK}
[Unit]
Description=Ollama Service

[Service]
ExecStart=${quoted(binary)} serve
Restart=always
RestartSec=3
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

/** systemd's quoting; "%" begins a specifier. */
function quoted(path: string): string {
  const text = path.replaceAll("%", "%%");
  return /[\s"'\\;]/.test(text) ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : text;
}

export function launchdPlist(binary: string, home: string): string {
  const xml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const log = xml(`${home}/.ollama/logs/server.log`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
    <string>${xml(binary)}</string>
    <string>serve</string>
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>3</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>StandardOutPath</key>
  <string>${log}</string>
  <key>StandardErrorPath</key>
  <string>${log}</string>
</dict>
</plist>
`;
}

export function openrcScript(binary: string): string {
  const path = `'${binary.replaceAll("'", "'\\''")}'`;
  return `#!/sbin/openrc-run
# Written by \`ollama service install\`; settings belong in /etc/conf.d/ollama (export OLLAMA_HOST=...).
name="Ollama"
description="Ollama Service"
supervisor=supervise-daemon
command=${path}
command_args="serve"
command_user="${SERVICE_USER}:${SERVICE_USER}"
export HOME="${SERVICE_HOME}"
output_log="/var/log/ollama.log"
error_log="/var/log/ollama.log"
respawn_delay=3
respawn_max=0

depend() {
  need net
  after firewall
}

start_pre() {
  checkpath --file --mode 0640 --owner "${SERVICE_USER}:${SERVICE_USER}" /var/log/ollama.log
}
`;
}

/** Settings of a unit that is about to be replaced: environment and account, as they were written. */
export interface UnitSettings {
  readonly environment: readonly string[];
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** PATH does not count: Ollama's installer copies its own shell's there. */
export function readUnit(text: string): UnitSettings {
  // A line that ends in a backslash goes on in the next.
  const lines = text.replaceAll(/\\\r?\n\s*/g, " ").split(/\r?\n/);
  const last = (key: string) =>
    lines
      .findLast((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1)
      .trim();
  return {
    environment: lines.filter((line) => /^Environment(File)?=/.test(line) && !/^Environment="?PATH=/.test(line)),
    user: last("User") || undefined,
    group: last("Group") || undefined,
  };
}

/** The value a unit's `Environment=` lines give a variable; "" without one. Later lines win. */
export function environmentValue(lines: readonly string[], name: string): string {
  const pattern = new RegExp(`(?:^|\\s)(?:"${name}=([^"]*)"|'${name}=([^']*)'|${name}=(\\S*))`);
  for (const line of lines.toReversed()) {
    if (!line.startsWith("Environment=")) continue;
    const found = pattern.exec(line.slice("Environment=".length));
    if (found !== null) return found[1] ?? found[2] ?? found[3] ?? "";
  }
  return "";
}
