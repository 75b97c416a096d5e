// The part of Debian that the container image stands on: glibc, libstdc++, certificates, and a shell with its tools for
// people's entry scripts and health checks. apt fetches and checks it against Debian's own signatures; nothing is installed,
// the packages are only unpacked. Works for every architecture on any Debian-like machine.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { debianMirror } from "./debian-mirror.ts";
import { cacheDirectory, run } from "./packages.ts";

export const SUITE = "trixie";
const PACKAGES = ["base-files", "bash", "ca-certificates", "coreutils", "dash", "grep", "libstdc++6", "sed"];

export type DebianArch = "amd64" | "arm64";

/** An unpacked root file system; also good as `qemu -L`. */
export async function baseSystem(arch: DebianArch): Promise<string> {
  const place = join(cacheDirectory("base"), `${SUITE}-${arch}`);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const archive of await fetchPackages(arch)) await run(["dpkg-deb", "-x", archive, place]);
  configure(place);
  return place;
}

async function fetchPackages(arch: DebianArch): Promise<string[]> {
  const work = cacheDirectory(`apt/${SUITE}-${arch}`);
  for (const folder of ["state/lists/partial", "cache/archives/partial", "none"])
    mkdirSync(join(work, folder), { recursive: true });
  // An apt of its own: no installed packages, no sources and settings of this machine.
  writeFileSync(join(work, "status"), "");
  writeFileSync(
    join(work, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${await debianMirror()} ${SUITE} main\n`,
  );
  const settings = {
    "Dir::State": join(work, "state"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": join(work, "none"),
    "Dir::Etc::preferencesparts": join(work, "none"),
    "APT::Architecture": arch,
    "APT::Architectures": arch,
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const archives = join(work, "cache/archives");
  for (const name of readdirSync(archives)) if (name.endsWith(".deb")) rmSync(join(archives, name));
  await run(["apt-get", ...options, "-qq", "update"]);
  await run(["apt-get", ...options, "-qq", "-y", "--download-only", "--no-install-recommends", "install", ...PACKAGES]);
  return readdirSync(archives)
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => join(archives, name));
}

/** What the packages' scripts would have done, as far as anything here needs it. */
function configure(root: string): void {
  const certificates = join(root, "usr/share/ca-certificates/mozilla");
  const names = readdirSync(certificates)
    .filter((name) => name.endsWith(".crt"))
    .sort();
  mkdirSync(join(root, "etc/ssl/certs"), { recursive: true });
  const bundle = names.map((name) => readFileSync(join(certificates, name), "utf8").trim()).join("\n");
  writeFileSync(join(root, "etc/ssl/certs/ca-certificates.crt"), `${bundle}\n`);
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nvideo:x:44:\nrender:x:992:\nnogroup:x:65534:\n");
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  if (!existsSync(join(root, "usr/bin/sh"))) symlinkSync("dash", join(root, "usr/bin/sh"));
  // Texts that nothing reads; the licences stay.
  for (const name of ["usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian"])
    rmSync(join(root, name), { recursive: true, force: true });
  mkdirSync(join(root, "root"), { recursive: true });
  chmodSync(join(root, "root"), 0o700);
  mkdirSync(join(root, "tmp"), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
}
