// Creates keys in the home it is given, revoking all but the last of them, and prints each: for tests that kill it or run several.

import { KeyStore } from "../../src/access/key-store.ts";

const [home = "", prefix = "", count = "1"] = process.argv.slice(2);
const store = new KeyStore(home);
for (let index = 0; index < Number(count); index++) {
  const { key, text } = await store.create({ name: `${prefix}${index}`, scopes: ["infer"], limit: 0, budget: 0 });
  console.log(text);
  if (index < Number(count) - 1) await store.revoke(key.id);
}
