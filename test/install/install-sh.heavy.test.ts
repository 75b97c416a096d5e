// install.sh on fresh machines (overlays of a root file system), from a web server with real build output, and where things
// must go wrong from one with small stand-ins. What each run leaves behind is compared with what was there before.
// OLLAMA_TEST_ROOTS names root file systems (`npm run test:install` makes Debian's); without it, this system's own serves.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { canMakeMachines, FreshMachine } from "../support/fresh-machine.ts";
import { fakeProgram, type ReleaseServer, serveReleases, writeFakeRelease } from "../support/release-server.ts";
import { freePort } from "../support/server.ts";
import { until } from "../e2e/native-client.ts";

const LIMIT_MS = 180_000;
const root = join(import.meta.dir, "../..");
const installer = join(root, "install.sh");
const roots = (process.env["OLLAMA_TEST_ROOTS"] ?? "/").split(",");
const able = canMakeMachines();
if (!able) console.error("SKIPPED: install.sh on fresh machines needs root on Linux, with mount namespaces");

const signer = generateKeyPairSync("ed25519");
let share = "";
let real: ReleaseServer;
let fake: ReleaseServer;

beforeAll(async () => {
  if (!able) return;
  share = await mkdtemp(join(tmpdir(), "release-"));
  await chmod(share, 0o755);
  const facts = {
    downloadUrl: "",
    publicKey: signer.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
  await Bun.write(join(share, "release.json"), JSON.stringify(facts));
  const made = Bun.spawn(
    [
      process.execPath,
      join(root, "scripts/release.ts"),
      "--out",
      join(share, "real"),
      "--facts",
      join(share, "release.json"),
      "--no-cuda-runtime",
      `linux-${process.arch}`,
    ],
    { stdout: "ignore", stderr: "pipe" },
  );
  const errors = await new Response(made.stderr).text();
  if ((await made.exited) !== 0) throw new Error(errors);
  const programs = {
    "linux-x64": fakeProgram("0.51.0"),
    "linux-arm64": fakeProgram("0.51.0"),
    "linux-x64-cuda": fakeProgram("0.51.0"),
  };
  writeFakeRelease(join(share, "fake"), { version: "0.51.0", programs });
  writeFakeRelease(join(share, "fake/v0.49.0"), {
    version: "0.49.0",
    programs: { "linux-x64": fakeProgram("0.49.0"), "linux-arm64": fakeProgram("0.49.0") },
  });
  const broken = "#!/bin/sh\necho GLIBC_2.99 not found >&2\nexit 1\n";
  writeFakeRelease(join(share, "fake/v0.52.0"), {
    version: "0.52.0",
    programs: { "linux-x64": broken, "linux-arm64": broken },
  });
  writeFakeRelease(join(share, "signed"), { version: "0.51.0", programs, key: signer.privateKey });
  await cp(installer, join(share, "install.sh"));
  real = serveReleases(join(share, "real"));
  fake = serveReleases(join(share, "fake"));
}, LIMIT_MS);

afterAll(async () => {
  if (!able) return;
  await real[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await rm(share, { recursive: true, force: true });
});

const run = "sh /share/install.sh";
const from = (server: ReleaseServer, more: Record<string, string> = {}) => ({
  OLLAMA_DOWNLOAD_URL: server.url,
  ...more,
});
const withoutSystemd = "rm -f /usr/bin/systemctl /bin/systemctl";
const asUser = "useradd --create-home --user-group jo";

async function servesOn(machine: FreshMachine, binary: string, user: string, home: string): Promise<void> {
  const env = { OLLAMA_HOST: `127.0.0.1:${await freePort()}`, HOME: home };
  const server = machine.start(`exec ${binary} serve >/tmp/server.log 2>&1`, { user, env });
  try {
    const ready = "grep -q 'libraries ready' /tmp/server.log";
    const answers = async () => (await machine.run(`${ready} && ${binary} list`, { env })).exit === 0;
    const endMs = Date.now() + 30_000;
    while (!(await answers())) {
      if (Date.now() > endMs || server.exitCode !== null) throw new Error("the installed server does not answer");
      await Bun.sleep(100);
    }
  } finally {
    server.kill("SIGTERM");
    await server.exited;
  }
}

describe.skipIf(!able).each(roots)("on a machine like %s", (lower) => {
  const name = basename(lower);
  const tooOld = name === "bullseye";

  test.skipIf(!tooOld)(
    "too old a C library is refused plainly, and nothing changes",
    async () => {
      await using machine = await FreshMachine.create(lower, share);
      const { exit, output } = await machine.run(run, { env: from(real) });
      expect([exit, output]).toEqual([
        1,
        "ERROR: this system's glibc is 2.31, and 2.34 or newer is needed (Debian 12, Ubuntu 22.04, RHEL 9 or newer, or the container image)\n",
      ]);
      expect([...machine.changes()]).toEqual([]);
    },
    LIMIT_MS,
  );

  test.skipIf(tooOld)(
    "root gets a hardened system service, twice over, whose server answers; uninstalling leaves no trace",
    async () => {
      await using machine = await FreshMachine.create(lower, share);
      const first = await machine.run(run, { env: from(real) });
      expect(first).toMatchObject({ exit: 0 });
      const unit = machine.read("/etc/systemd/system/ollama.service");
      expect(unit).toContain("ExecStart=/usr/local/bin/ollama serve\nUser=ollama\n");
      expect(machine.exists("/etc/systemd/system/default.target.wants/ollama.service")).toBe(false);
      expect([...machine.changes().keys()]).toContain("/etc/systemd/system/default.target.wants/ollama.service");
      real.asked.length = 0;
      const again = await machine.run(run, { env: from(real) });
      expect(again).toMatchObject({ exit: 0 });
      expect(again.output).toContain("is installed already");
      expect(real.asked).toEqual(["/manifest.json"]);
      expect(machine.read("/etc/systemd/system/ollama.service")).toBe(unit);
      await servesOn(machine, "/usr/local/bin/ollama", "ollama", "/usr/share/ollama");
      const removed = await machine.run(`${run} --uninstall`, { env: {} });
      expect(removed).toMatchObject({ exit: 0 });
      expect([...machine.changes()].filter(([path]) => path !== "/etc/systemd/system/default.target.wants")).toEqual(
        [],
      );
    },
    LIMIT_MS,
  );

  test.skipIf(tooOld)(
    "a user without sudo gets it into ~/.local; without systemd it says how to start; models survive an uninstall",
    async () => {
      await using machine = await FreshMachine.create(lower, share);
      await machine.run(`${withoutSystemd}; ${asUser}`);
      const before = machine.changes();
      const installed = await machine.run(run, { user: "jo", env: from(real) });
      expect(installed).toMatchObject({ exit: 0 });
      expect(installed.output).toContain("start the server with: /home/jo/.local/bin/ollama serve");
      expect(installed.output).toContain('export PATH="/home/jo/.local/bin:$PATH"');
      await servesOn(machine, "/home/jo/.local/bin/ollama", "jo", "/home/jo");
      await machine.run("mkdir -p ~/.ollama/models/blobs; echo weights > ~/.ollama/models/blobs/sha256-1", {
        user: "jo",
      });
      const removed = await machine.run(`${run} --uninstall`, { user: "jo" });
      expect(removed).toMatchObject({ exit: 0 });
      expect(removed.output).toContain("will keep /home/jo/.ollama/models (--purge removes it)");
      expect(machine.read("/home/jo/.ollama/models/blobs/sha256-1")).toBe("weights\n");
      expect(await machine.run(run, { user: "jo", env: from(real) })).toMatchObject({ exit: 0 });
      expect(await machine.run(`${run} --uninstall --purge`, { user: "jo" })).toMatchObject({ exit: 0 });
      const left = [...machine.changes()].filter(([path]) => !before.has(path));
      expect(left.map(([path]) => path)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe.skipIf(!able)("when something is wrong", () => {
  const [lower = "/"] = roots;
  const machine = () => FreshMachine.create(lower, share);

  test.each([
    ["corrupt", "is damaged: its checksum is not the release's; nothing was changed"],
    ["cut", "is damaged: its checksum is not the release's; nothing was changed"],
    ["missing", "could not get ollama-linux-"],
  ] as const)(
    "a download that is %s changes nothing, whether or not a version was there",
    async (trouble, words) => {
      await using fresh = await machine();
      try {
        fake.trouble = trouble;
        const refused = await fresh.run(run, { env: from(fake) });
        expect([refused.exit, refused.output.includes(words)]).toEqual([1, true]);
        expect([...fresh.changes()]).toEqual([]);
        fake.trouble = "none";
        expect(await fresh.run(run, { env: from(fake, { OLLAMA_VERSION: "0.49.0" }) })).toMatchObject({ exit: 0 });
        const before = [...fresh.changes()];
        fake.trouble = trouble;
        expect(await fresh.run(run, { env: from(fake) })).toMatchObject({ exit: 1 });
        expect([...fresh.changes()]).toEqual(before);
        expect(fresh.read("/usr/local/bin/ollama")).toBe(fakeProgram("0.49.0"));
      } finally {
        fake.trouble = "none";
      }
    },
    LIMIT_MS,
  );

  test(
    "no network is said, and a local release needs none",
    async () => {
      await using fresh = await machine();
      const env = { OLLAMA_DOWNLOAD_URL: `http://127.0.0.1:${await freePort()}` };
      const refused = await fresh.run(run, { env });
      expect(refused.exit).toBe(1);
      expect(refused.output).toContain("could not get manifest.json from http://127.0.0.1:");
      expect([...fresh.changes()]).toEqual([]);
      const nowhere = await fresh.run(run);
      expect(nowhere).toMatchObject({ exit: 1, output: expect.stringContaining("set OLLAMA_DOWNLOAD_URL") });
      for (const url of ["/share/fake", "file:///share/fake"]) {
        expect(
          await fresh.run(run, { env: { OLLAMA_DOWNLOAD_URL: url, PATH: "/usr/bin:/bin:/usr/sbin" } }),
        ).toMatchObject({ exit: 0 });
        expect(fresh.read("/usr/local/bin/ollama")).toBe(fakeProgram("0.51.0"));
      }
    },
    LIMIT_MS,
  );

  test(
    "interrupted in the middle of the download, it leaves nothing",
    async () => {
      await using fresh = await machine();
      fake.trouble = "stall";
      fake.asked.length = 0;
      try {
        const child = fresh.start(`setsid ${run} & echo $! > /tmp/pid; wait`, { env: from(fake) });
        await until("the download has begun", () => fake.asked.some((path) => path.endsWith(".gz")), 20_000);
        // As a terminal does it: the whole group gets it.
        await fresh.run("kill -INT -$(cat /tmp/pid); kill -TERM -$(cat /tmp/pid)");
        await child.exited;
        expect([...fresh.changes()]).toEqual([]);
      } finally {
        fake.trouble = "none";
      }
    },
    LIMIT_MS,
  );

  test(
    "a program that does not start here is not installed",
    async () => {
      await using fresh = await machine();
      const { exit, output } = await fresh.run(run, { env: from(fake, { OLLAMA_VERSION: "0.52.0" }) });
      expect([exit, output.includes("the program does not start here: GLIBC_2.99 not found")]).toEqual([1, true]);
      expect([...fresh.changes()]).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "over an older version it keeps that one, and --rollback puts it back",
    async () => {
      await using fresh = await machine();
      await fresh.run(run, { env: from(fake, { OLLAMA_VERSION: "0.49.0" }) });
      expect(await fresh.run(run, { env: from(fake) })).toMatchObject({ exit: 0 });
      expect(fresh.read("/usr/local/bin/ollama")).toBe(fakeProgram("0.51.0"));
      expect(await fresh.run(`${run} --rollback`)).toMatchObject({ exit: 0 });
      expect(fresh.read("/usr/local/bin/ollama")).toBe(fakeProgram("0.49.0"));
      expect(await fresh.run(`${run} --rollback`)).toMatchObject({ exit: 1 });
    },
    LIMIT_MS,
  );

  test(
    "a script that was cut off anywhere does nothing",
    async () => {
      await using fresh = await machine();
      const text = await Bun.file(installer).text();
      for (const part of [0.3, 0.6, 0.9, 0.999]) {
        await Bun.write(join(share, "cut.sh"), text.slice(0, text.length * part));
        await fresh.run("sh /share/cut.sh", { env: from(fake) });
      }
      expect([...fresh.changes()]).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe.skipIf(!able)("over Ollama itself", () => {
  const [lower = "/"] = roots;
  /** As Ollama's own installer leaves it, with what its documentation tells people to change. */
  const ollamasOwn = `
useradd -r -s /bin/false -U -m -d /usr/share/ollama ollama
mkdir -p /usr/local/bin /usr/local/lib/ollama /usr/share/ollama/.ollama/models/blobs /etc/systemd/system/ollama.service.d
printf '#!/bin/sh\\necho the Go program\\n' > /usr/local/bin/ollama; chmod 755 /usr/local/bin/ollama
echo library > /usr/local/lib/ollama/libggml.so
echo weights > /usr/share/ollama/.ollama/models/blobs/sha256-1
chown -R ollama:ollama /usr/share/ollama
cat > /etc/systemd/system/ollama.service <<'UNIT'
[Unit]
Description=Ollama Service
After=network-online.target

[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/local/bin:/usr/bin"
Environment="OLLAMA_HOST=0.0.0.0"

[Install]
WantedBy=default.target
UNIT
printf '[Service]\\nEnvironment="OLLAMA_MODELS=/srv/models"\\n' > /etc/systemd/system/ollama.service.d/override.conf
`;

  test(
    "unit, account, models and settings go on, and --rollback gives Ollama back byte for byte",
    async () => {
      await using machine = await FreshMachine.create(lower, share);
      await machine.run(ollamasOwn);
      const before = [...machine.changes()];
      const unitBefore = machine.read("/etc/systemd/system/ollama.service");
      expect(await machine.run(run, { env: from(real) })).toMatchObject({ exit: 0 });
      const unit = machine.read("/etc/systemd/system/ollama.service");
      expect(unit).toContain("User=ollama\n");
      expect(unit).toContain("ReadWritePaths=-/usr/share/ollama -/srv/models\n");
      const folder = "/etc/systemd/system/ollama.service.d";
      expect(machine.read(`${folder}/kept.conf`)).toContain('[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0"\n');
      expect(machine.read(`${folder}/kept.conf`)).not.toContain("PATH=");
      expect(machine.read(`${folder}/override.conf`)).toContain("/srv/models");
      expect(machine.read("/usr/share/ollama/.ollama/models/blobs/sha256-1")).toBe("weights\n");
      expect(machine.exists("/usr/local/lib/ollama")).toBe(false);
      // Once more: our own unit is replaced, and what was kept stays.
      expect(await machine.run(run, { env: from(real) })).toMatchObject({ exit: 0 });
      expect(machine.read(`${folder}/kept.conf`)).toContain("OLLAMA_HOST");
      expect(await machine.run(`${run} --rollback`)).toMatchObject({ exit: 0 });
      expect(machine.read("/usr/local/bin/ollama")).toContain("the Go program");
      expect(machine.read("/usr/local/lib/ollama/libggml.so")).toBe("library\n");
      expect(machine.read("/etc/systemd/system/ollama.service")).toBe(unitBefore);
      const links = /default\.target\.wants|^\/etc\/(group|gshadow)$/;
      expect([...machine.changes()].filter(([path]) => !links.test(path))).toEqual(
        before.filter(([path]) => !links.test(path)),
      );
    },
    LIMIT_MS,
  );
});

test.skipIf(!able)(
  "the installed program upgrades itself to a signed release, not to an unsigned one, and --rollback takes that back",
  async () => {
    const [lower = "/"] = roots;
    await using machine = await FreshMachine.create(lower, share);
    expect(await machine.run(run, { env: from(real) })).toMatchObject({ exit: 0 });
    const unsigned = await machine.run("ollama upgrade", { env: { OLLAMA_DOWNLOAD_URL: "file:///share/fake" } });
    expect([unsigned.exit, unsigned.output]).toEqual([1, expect.stringContaining("manifest.json.sig")]);
    const env = { OLLAMA_DOWNLOAD_URL: "file:///share/signed" };
    const checked = await machine.run("ollama upgrade --check", { env });
    expect(checked).toMatchObject({ exit: 0, output: expect.stringContaining("0.51.0 is there; this is ") });
    const upgraded = await machine.run("ollama upgrade", { env });
    expect(upgraded).toMatchObject({
      exit: 0,
      output: expect.stringContaining("is kept as /usr/local/lib/ollama-previous/ollama"),
    });
    expect(machine.read("/usr/local/bin/ollama")).toBe(fakeProgram("0.51.0"));
    expect(await machine.run(`${run} --rollback`)).toMatchObject({ exit: 0 });
    expect(await machine.run("ollama --version")).toMatchObject({
      exit: 0,
      output: expect.stringContaining("client version is"),
    });
  },
  LIMIT_MS,
);

test("shellcheck finds nothing in install.sh", () => {
  if (!existsSync("/usr/bin/shellcheck")) return console.error("SKIPPED: shellcheck is not installed");
  const { stdout, exitCode } = Bun.spawnSync(["/usr/bin/shellcheck", "--shell=sh", installer]);
  expect([exitCode, stdout.toString()]).toEqual([0, ""]);
});
