// A certificate for 127.0.0.1 that nobody has signed but itself, made anew with openssl.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), "certificate-"));
  const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    const options =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(" ");
    const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const child = Bun.spawnSync(["openssl", ...options, ...names, "-keyout", keyPath, "-out", certPath]);
    if (child.exitCode !== 0) throw new Error(`openssl failed: ${child.stderr.toString()}`);
    return { key: await readFile(keyPath, "utf8"), cert: await readFile(certPath, "utf8") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
