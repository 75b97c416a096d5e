// This program as a service of the machine: which manager there is, and the steps that add it, remove it or ask about it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import type { Step } from "./step.ts";
import {
  environmentValue,
  LAUNCHD_LABEL,
  launchdPlist,
  openrcScript,
  readUnit,
  SERVICE_HOME,
  SERVICE_USER,
  systemdSystemUnit,
  systemdUserUnit,
  UNIT_MARK,
} from "./units.ts";

export type ServiceKind = "systemd-system" | "systemd-user" | "launchd" | "openrc";

export interface Machine {
  readonly kind: ServiceKind;
  /** The manager runs now, so that services can be started. */
  readonly live: boolean;
  readonly home: string;
  readonly uid: number;
}

export interface MachineQuestion {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  readonly home: string;
  readonly scope: "system" | "user";
  /** Where the file system begins; tests put another one there. */
  readonly root: string;
}

const NO_MANAGER =
  "this machine has no systemd, launchd or OpenRC to run a service; start the server with `ollama serve` (in the background: `nohup ollama serve >ollama.log 2>&1 &`)";

export function findMachine(question: MachineQuestion): Machine {
  const { platform, scope, uid, home, root } = question;
  if (platform === "darwin") return { kind: "launchd", live: true, home, uid };
  if (platform !== "linux")
    throw new AppError(
      "unsupported",
      `services are not supported on ${platform}; start the server with \`ollama serve\``,
    );
  if (scope === "system" && uid !== 0)
    throw new AppError(
      "forbidden",
      "a system service needs root: run it with sudo, or use --user for a service of your own",
    );
  const live = existsSync(join(root, "run/systemd/system"));
  if (live || ["usr/bin", "bin"].some((folder) => existsSync(join(root, folder, "systemctl")))) {
    if (scope === "system") return { kind: "systemd-system", live, home, uid };
    return { kind: "systemd-user", live: live && existsSync(join(root, `run/user/${uid}/bus`)), home, uid };
  }
  if (scope === "system" && existsSync(join(root, "sbin/openrc-run")))
    return { kind: "openrc", live: existsSync(join(root, "run/openrc/softlevel")), home, uid };
  throw new AppError("unsupported", NO_MANAGER);
}

/** The file that makes the service. */
export function unitPath({ kind, home }: Pick<Machine, "kind" | "home">): string {
  switch (kind) {
    case "systemd-system":
      return "/etc/systemd/system/ollama.service";
    case "systemd-user":
      return join(home, ".config/systemd/user/ollama.service");
    case "launchd":
      return join(home, "Library/LaunchAgents", `${LAUNCHD_LABEL}.plist`);
    case "openrc":
      return "/etc/init.d/ollama";
    default:
      return kind satisfies never;
  }
}

/** What stands on this machine already and must survive. */
export interface Existing {
  /** The unit as it is, "" for none. */
  readonly unit: string;
  /** All lines of its drop-ins. */
  readonly dropIns: readonly string[];
  /** Of render and video, those that exist: GPUs belong to them. */
  readonly groups: readonly string[];
  /** Home directories by account. */
  readonly homes: ReadonlyMap<string, string>;
}

export function readExisting(machine: Machine): Existing {
  const path = unitPath(machine);
  const folder = `${path}.d`;
  const dropIns = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".conf"))
        .sort()
    : [];
  const entries = (file: string) =>
    readIfThere(file)
      .split("\n")
      .map((line) => line.split(":"));
  const groups = new Set(entries("/etc/group").map(([name]) => name));
  return {
    unit: readIfThere(path),
    dropIns: dropIns.flatMap((name) => readIfThere(join(folder, name)).split("\n")),
    groups: ["render", "video"].filter((name) => groups.has(name)),
    homes: new Map(entries("/etc/passwd").map((fields) => [fields[0] ?? "", fields[5] ?? ""])),
  };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

export interface InstallOptions {
  readonly binary: string;
  readonly start: boolean;
}

export function installPlan(machine: Machine, existing: Existing, options: InstallOptions): Step[] {
  const { binary } = options;
  const start = options.start && machine.live;
  const path = unitPath(machine);
  switch (machine.kind) {
    case "systemd-system":
      return [...systemUnitSteps(path, existing, binary), ...systemdStart([], machine.live, start)];
    case "systemd-user":
      return [{ do: "write", path, text: systemdUserUnit(binary) }, ...systemdStart(["--user"], machine.live, start)];
    case "launchd":
      return [
        { do: "directory", path: join(machine.home, ".ollama/logs"), mode: 0o755 },
        { do: "write", path, text: launchdPlist(binary, machine.home) },
        { do: "run", command: ["launchctl", "bootout", `gui/${machine.uid}/${LAUNCHD_LABEL}`], optional: true },
        ...(start ? [{ do: "run", command: ["launchctl", "bootstrap", `gui/${machine.uid}`, path] } as const] : []),
      ];
    case "openrc":
      return [
        ...accountSteps(existing, SERVICE_USER),
        { do: "write", path, text: openrcScript(binary), mode: 0o755 },
        { do: "run", command: ["rc-update", "add", "ollama", "default"] },
        ...(start ? [{ do: "run", command: ["rc-service", "ollama", "restart"] } as const] : []),
      ];
    default:
      return machine.kind satisfies never;
  }
}

function systemUnitSteps(path: string, existing: Existing, binary: string): Step[] {
  const old = readUnit(existing.unit);
  const account = readUnit(existing.dropIns.join("\n"));
  const user = account.user ?? old.user ?? SERVICE_USER;
  const group = account.group ?? old.group ?? (user === SERVICE_USER ? SERVICE_USER : user);
  const isOurs = existing.unit.startsWith(UNIT_MARK);
  const kept = isOurs ? [] : old.environment;
  const modelsDir = environmentValue([...old.environment, ...existing.dropIns], "OLLAMA_MODELS");
  const home = existing.homes.get(user) || SERVICE_HOME;
  return [
    ...(user === SERVICE_USER ? accountSteps(existing, user) : []),
    ...(kept.length === 0
      ? []
      : [
          {
            do: "write",
            path: `${path}.d/kept.conf`,
            text: `# From the unit that this one replaced.\n[Service]\n${kept.join("\n")}\n`,
          } as const,
        ]),
    { do: "write", path, text: systemdSystemUnit({ binary, user, group, home, modelsDir }) },
  ];
}

function accountSteps({ homes, groups }: Existing, user: string): Step[] {
  const create = [
    "useradd",
    "--system",
    "--shell",
    "/bin/false",
    "--user-group",
    "--no-create-home",
    "--home-dir",
    SERVICE_HOME,
    user,
  ];
  return [
    ...(homes.has(user) ? [] : [{ do: "run", command: create } as const]),
    ...groups.map((group): Step => ({ do: "run", command: ["usermod", "--append", "--groups", group, user] })),
    { do: "directory", path: SERVICE_HOME, mode: 0o755 },
    { do: "run", command: ["chown", `${user}:${user}`, SERVICE_HOME] },
  ];
}

function systemdStart(scope: readonly string[], live: boolean, start: boolean): Step[] {
  const systemctl = (...args: string[]): Step => ({ do: "run", command: ["systemctl", ...scope, ...args] });
  // Enabling only makes a link, which needs no running manager (in a chroot, say).
  return [
    ...(live ? [systemctl("daemon-reload")] : []),
    { ...systemctl("enable", "ollama.service"), ...(live ? {} : { optional: true }) },
    ...(start ? [systemctl("restart", "ollama.service")] : []),
  ];
}

export function uninstallPlan(machine: Machine): Step[] {
  const path = unitPath(machine);
  switch (machine.kind) {
    case "systemd-system":
    case "systemd-user": {
      const scope = machine.kind === "systemd-user" ? ["--user"] : [];
      const stop = machine.live ? ["disable", "--now"] : ["disable"];
      return [
        { do: "run", command: ["systemctl", ...scope, ...stop, "ollama.service"], optional: true },
        { do: "remove", path },
        ...(machine.live ? [{ do: "run", command: ["systemctl", ...scope, "daemon-reload"] } as const] : []),
      ];
    }
    case "launchd":
      return [
        { do: "run", command: ["launchctl", "bootout", `gui/${machine.uid}/${LAUNCHD_LABEL}`], optional: true },
        { do: "remove", path },
      ];
    case "openrc":
      return [
        { do: "run", command: ["rc-service", "ollama", "stop"], optional: true },
        { do: "run", command: ["rc-update", "del", "ollama", "default"], optional: true },
        { do: "remove", path },
      ];
    default:
      return machine.kind satisfies never;
  }
}

/** Commands whose output answers the question. */
export function statusCommand({ kind, uid }: Machine): readonly string[] {
  switch (kind) {
    case "systemd-system":
      return ["systemctl", "status", "--no-pager", "ollama.service"];
    case "systemd-user":
      return ["systemctl", "--user", "status", "--no-pager", "ollama.service"];
    case "launchd":
      return ["launchctl", "print", `gui/${uid}/${LAUNCHD_LABEL}`];
    case "openrc":
      return ["rc-service", "ollama", "status"];
    default:
      return kind satisfies never;
  }
}

export function logsCommand({ kind, home }: Machine, lines: number, follow: boolean): readonly string[] {
  const end = ["-n", String(lines), ...(follow ? ["-f"] : [])];
  switch (kind) {
    case "systemd-system":
      return ["journalctl", "--no-pager", "-u", "ollama", ...end];
    case "systemd-user":
      return ["journalctl", "--no-pager", "--user-unit", "ollama", ...end];
    case "launchd":
      return ["tail", ...end, join(home, ".ollama/logs/server.log")];
    case "openrc":
      return ["tail", ...end, "/var/log/ollama.log"];
    default:
      return kind satisfies never;
  }
}

/** Restarts what runs under this machine's manager, for a new executable. */
export function restartPlan(machine: Machine): Step[] {
  if (!machine.live || !existsSync(unitPath(machine))) return [];
  switch (machine.kind) {
    case "systemd-system":
      return [{ do: "run", command: ["systemctl", "restart", "ollama.service"] }];
    case "systemd-user":
      return [{ do: "run", command: ["systemctl", "--user", "restart", "ollama.service"] }];
    case "launchd":
      return [{ do: "run", command: ["launchctl", "kickstart", "-k", `gui/${machine.uid}/${LAUNCHD_LABEL}`] }];
    case "openrc":
      return [{ do: "run", command: ["rc-service", "ollama", "restart"] }];
    default:
      return machine.kind satisfies never;
  }
}
