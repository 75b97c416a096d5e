// Entry: argv → the command line, or a hidden role of this same executable. The only place that turns faults into exit
// codes. Nothing heavy is imported before it is known to be needed.

import { plainMessage } from "./base/file-fault.ts";

async function main(argv: readonly string[]): Promise<number> {
  const [role, ...args] = argv;
  switch (role) {
    case "runner": {
      const { runChild } = await import("./runner/child.ts");
      return runChild();
    }
    case "convert": {
      const { serveConversion } = await import("./runner/convert-job.ts");
      return serveConversion();
    }
    case "score-libraries": {
      const { scoreLibraries } = await import("./runner/prove-library.ts");
      const [directory = "", ...names] = args;
      console.log(JSON.stringify(scoreLibraries(directory, names)));
      return 0;
    }
    case "list-devices": {
      const { probeDevices } = await import("./runner/prove-library.ts");
      const [directory = "", ...libraries] = args;
      console.log(JSON.stringify(probeDevices(directory, libraries)));
      return 0;
    }
    case "prove-library": {
      const { proveLibrary } = await import("./runner/prove-library.ts");
      const [directory = "", name = ""] = args;
      proveLibrary(directory, name);
      return 0;
    }
    case "prove-cage": {
      const { proveCage } = await import("./runner/prove-cage.ts");
      console.log(JSON.stringify(proveCage(args[0] ?? "")));
      return 0;
    }
    case "quantize-model": {
      const { serveQuantize } = await import("./runner/quantize.ts");
      return serveQuantize();
    }
    default: {
      const { runCommandLine } = await import("./cli/cli.ts");
      return runCommandLine(argv);
    }
  }
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`Error: ${plainMessage(error)}\n`);
  process.exit(1);
}
