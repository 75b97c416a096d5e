// Services as data: which manager a machine has, the texts that are written, and what of an older unit survives. The texts
// are judged by the programs that will read them, where those are installed.

import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Existing, findMachine, installPlan, logsCommand, uninstallPlan } from "../../src/install/service.ts";
import type { Step } from "../../src/install/step.ts";
import {
  environmentValue,
  launchdPlist,
  openrcScript,
  readUnit,
  systemdSystemUnit,
  systemdUserUnit,
  UNIT_MARK,
} from "../../src/install/units.ts";

const work = mkdtempSync(join(tmpdir(), "service-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function machineRoot(...paths: readonly string[]): string {
  const root = mkdtempSync(join(work, "root-"));
  for (const path of paths) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), "");
  }
  return root;
}

const question = { platform: "linux", uid: 0, home: "/root", scope: "system" } as const;
const unit = {
  binary: "/usr/local/bin/ollama",
  user: "ollama",
  group: "ollama",
  home: "/usr/share/ollama",
  modelsDir: "",
};
const nothing: Existing = { unit: "", dropIns: [], groups: [], homes: new Map() };
const systemd = { kind: "systemd-system", live: true, home: "/root", uid: 0 } as const;

function written(steps: readonly Step[]): Record<string, string> {
  return Object.fromEntries(steps.flatMap((step) => (step.do === "write" ? [[step.path, step.text]] : [])));
}

function commands(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => (step.do === "run" ? [step.command.join(" ")] : []));
}

test("the manager is found by what stands in the file system", () => {
  const found = (root: string, more: Partial<Parameters<typeof findMachine>[0]> = {}) =>
    findMachine({ ...question, root, ...more });
  expect(found(machineRoot("run/systemd/system/x"))).toMatchObject({ kind: "systemd-system", live: true });
  expect(found(machineRoot("usr/bin/systemctl"))).toMatchObject({ kind: "systemd-system", live: false });
  expect(found(machineRoot("sbin/openrc-run", "run/openrc/softlevel"))).toMatchObject({ kind: "openrc", live: true });
  const user = { uid: 1000, scope: "user" } as const;
  expect(found(machineRoot("run/systemd/system/x", "run/user/1000/bus"), user)).toMatchObject({
    kind: "systemd-user",
    live: true,
  });
  // `su` and cron have no bus of their own to talk to.
  expect(found(machineRoot("run/systemd/system/x"), user)).toMatchObject({ kind: "systemd-user", live: false });
  expect(found("/", { platform: "darwin" })).toMatchObject({ kind: "launchd" });
  expect(() => found(machineRoot())).toThrow("this machine has no systemd, launchd or OpenRC");
  expect(() => found(machineRoot(), { uid: 1000 })).toThrow("a system service needs root");
  expect(() => found(machineRoot(), { platform: "win32" })).toThrow("services are not supported on win32");
});

test("installing makes the account only where it is missing, and starts only what can be started", () => {
  const steps = installPlan(systemd, nothing, { binary: unit.binary, start: true });
  expect(commands(steps)).toEqual([
    "useradd --system --shell /bin/false --user-group --no-create-home --home-dir /usr/share/ollama ollama",
    "chown ollama:ollama /usr/share/ollama",
    "systemctl daemon-reload",
    "systemctl enable ollama.service",
    "systemctl restart ollama.service",
  ]);
  const there = { ...nothing, groups: ["render"], homes: new Map([["ollama", "/usr/share/ollama"]]) };
  expect(commands(installPlan({ ...systemd, live: false }, there, { binary: unit.binary, start: true }))).toEqual([
    "usermod --append --groups render ollama",
    "chown ollama:ollama /usr/share/ollama",
    "systemctl enable ollama.service",
  ]);
});

const ollamasUnit = `[Service]
ExecStart=/usr/bin/ollama serve
User=alice
Environment="PATH=/usr/bin"
Environment="OLLAMA_HOST=0.0.0.0" \\
  "OLLAMA_MODELS=/data/my models"
EnvironmentFile=-/etc/default/ollama
`;

test("an older unit's settings and account go on in ours", () => {
  const existing = { ...nothing, unit: ollamasUnit, homes: new Map([["alice", "/home/alice"]]) };
  const files = written(installPlan(systemd, existing, { binary: unit.binary, start: false }));
  expect(files["/etc/systemd/system/ollama.service.d/kept.conf"]).toBe(
    '# From the unit that this one replaced.\n[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0"  "OLLAMA_MODELS=/data/my models"\nEnvironmentFile=-/etc/default/ollama\n',
  );
  const text = files["/etc/systemd/system/ollama.service"] ?? "";
  expect(text).toStartWith(UNIT_MARK);
  expect(text).toContain("User=alice\nGroup=alice\n");
  expect(text).toContain('ReadWritePaths=-/home/alice -"/data/my models"\nProtectHome=no\n');
  // Ours has nothing to keep: what it needs stands in the drop-ins.
  const again = { ...existing, unit: text, dropIns: ["[Service]", "User=bob"] };
  const second = written(installPlan(systemd, again, { binary: unit.binary, start: false }));
  expect(Object.keys(second)).toEqual(["/etc/systemd/system/ollama.service"]);
  expect(second["/etc/systemd/system/ollama.service"]).toContain("User=bob\n");
});

test("settings are read as systemd writes them", () => {
  expect(readUnit("")).toEqual({ environment: [], user: undefined, group: undefined });
  const lines = ['Environment="A=1" B=2', "Environment='C=x y'", "Environment=A=3"];
  expect(["A", "B", "C", "D"].map((name) => environmentValue(lines, name))).toEqual(["3", "2", "x y", ""]);
});

test("removing undoes installing, with or without a running manager", () => {
  expect(commands(uninstallPlan(systemd))).toEqual([
    "systemctl disable --now ollama.service",
    "systemctl daemon-reload",
  ]);
  expect(commands(uninstallPlan({ ...systemd, live: false }))).toEqual(["systemctl disable ollama.service"]);
  expect(commands(uninstallPlan({ ...systemd, kind: "openrc" }))).toEqual([
    "rc-service ollama stop",
    "rc-update del ollama default",
  ]);
  expect(commands(uninstallPlan({ ...systemd, kind: "launchd", uid: 501 }))).toEqual([
    "launchctl bootout gui/501/com.ollama.serve",
  ]);
});

test("logs come from where each manager puts them", () => {
  expect(logsCommand(systemd, 50, true).join(" ")).toBe("journalctl --no-pager -u ollama -n 50 -f");
  expect(logsCommand({ ...systemd, kind: "launchd", home: "/Users/a" }, 5, false).join(" ")).toBe(
    "tail -n 5 /Users/a/.ollama/logs/server.log",
  );
});

const analyze = "/usr/bin/systemd-analyze";

test.skipIf(!existsSync(analyze))("systemd accepts both units, and calls the system one little exposed", () => {
  const folder = mkdtempSync(join(work, "units-"));
  const binary = process.execPath;
  for (const [name, text] of [
    ["ollama.service", systemdSystemUnit({ ...unit, user: "root", group: "root", binary, modelsDir: "/srv/a b%c" })],
    ["user.service", systemdUserUnit(binary)],
  ] as const) {
    writeFileSync(join(folder, name), text);
    const checked = Bun.spawnSync(
      [analyze, "verify", "--man=no", ...(name === "user.service" ? ["--user"] : []), join(folder, name)],
      {
        env: { ...process.env, XDG_RUNTIME_DIR: folder, SYSTEMD_LOG_LEVEL: "warning" },
      },
    );
    expect([name, checked.exitCode, ourLines(checked.stderr.toString(), name)]).toEqual([name, 0, ""]);
  }
  const security = Bun.spawnSync([
    analyze,
    "security",
    "--offline=yes",
    "--threshold=50",
    "--no-pager",
    join(folder, "ollama.service"),
  ]);
  expect([security.exitCode, security.stderr.toString()]).toEqual([0, ""]);
});

/** systemd-analyze loads the machine's own units as well and may find fault with those. */
function ourLines(text: string, name: string): string {
  return text
    .split("\n")
    .filter((line) => line.includes(name))
    .join("\n");
}

test.skipIf(!existsSync(analyze))("the judge finds a mistake in a unit", () => {
  const file = join(work, "wrong.service");
  writeFileSync(file, systemdUserUnit("/nonexistent/ollama").replace("Restart=always", "Restart=sometimes"));
  const checked = Bun.spawnSync([analyze, "verify", "--man=no", file]);
  expect(ourLines(checked.stderr.toString(), "wrong.service")).toContain("sometimes");
});

test("the launchd file is well-formed XML of Apple's shape, whatever the path holds", () => {
  const file = join(work, "x.plist");
  const text = launchdPlist("/Users/a&b <c>/bin/ollama", "/Users/a&b <c>");
  writeFileSync(file, text);
  expect(text).toContain("<string>/Users/a&amp;b &lt;c&gt;/bin/ollama</string>\n    <string>serve</string>");
  // Python's own reader of property lists is the judge.
  const read = Bun.spawnSync([
    "python3",
    "-c",
    "import plistlib,json,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))",
    file,
  ]);
  expect(JSON.parse(read.stdout.toString())).toEqual({
    Label: "com.ollama.serve",
    ProgramArguments: ["/Users/a&b <c>/bin/ollama", "serve"],
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 3,
    ProcessType: "Interactive",
    StandardOutPath: "/Users/a&b <c>/.ollama/logs/server.log",
    StandardErrorPath: "/Users/a&b <c>/.ollama/logs/server.log",
  });
});

test("the OpenRC script is a shell script, whatever the path holds", () => {
  const file = join(work, "openrc");
  writeFileSync(file, openrcScript("/opt/it's/ollama"));
  expect(Bun.spawnSync(["sh", "-n", file]).exitCode).toBe(0);
  const shown = Bun.spawnSync(["sh", "-c", `. ${file}; printf %s "$command"`]);
  expect(shown.stdout.toString()).toBe("/opt/it's/ollama");
});
