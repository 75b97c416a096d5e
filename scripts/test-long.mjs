// The long forms of what CI runs short: `hostile` (all threats, more mutations, more kills), `soak` (64 clients for five
// minutes). Their figures go into docs/reliability.md.
const FORMS = {
  hostile: ["threats", "mutation", "abuse", "crash", "faults", "cage", "clock", "excess"],
  soak: ["soak"],
};
const words = FORMS[process.argv[2]];
if (words === undefined) {
  console.error(`usage: node scripts/test-long.mjs ${Object.keys(FORMS).join("|")}`);
  process.exit(2);
}
process.env.OLLAMA_TEST_LONG = "1";
process.argv = [...process.argv.slice(0, 2), ...words];
await import("./test.mjs");
