// `npm run release:key -- FILE`: makes the key pair that signs releases. The private half goes into FILE, which belongs
// outside of the repository (its owner alone can read it); the public half into scripts/release.json, from where every
// build takes it. An executable accepts only upgrades signed by the key it was built with, so a new key needs one release
// signed by the old one.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("say where the private key goes: npm run release:key -- FILE");
const facts = join(import.meta.dir, "release.json");
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
// "wx": a key that signed releases must not be overwritten.
writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
const text = publicKey.export({ type: "spki", format: "der" }).toString("base64");
const release = { ...(JSON.parse(readFileSync(facts, "utf8")) as object), publicKey: text };
writeFileSync(facts, `${JSON.stringify(release, null, 2)}\n`);
console.error(`private key: ${file}\npublic key: ${text}, in scripts/release.json`);
