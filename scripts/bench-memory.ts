// The bench's row about memory over many requests: what server and runner hold after the first thousand is what they may hold after
// all the others.

import { childrenOf, residentBytes, type Server, stream, words } from "./bench-client.ts";

const CLIENTS = 8;
/** Few, so that the engine's work does not hide what a request itself leaves behind. */
const TOKENS = 2;

export async function measureMemory(
  { url }: Server,
  pid: number,
  requests: number,
  print: (line: string) => void,
): Promise<void> {
  const megabytes = () => {
    const [runner = 0] = childrenOf(pid);
    return { server: residentBytes(pid) / 1e6, runner: residentBytes(runner) / 1e6 };
  };
  const samples: { server: number; runner: number }[] = [];
  const block = requests / 10;
  const startedMs = performance.now();
  for (let done = 0; done < requests; done += block) {
    const client = async () => {
      for (let i = 0; i < block / CLIENTS; i++) await stream(url, words(3), TOKENS);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    samples.push(megabytes());
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const row = (of: "server" | "runner") => samples.map((sample) => sample[of].toFixed(0)).join(" ");
  print(
    `memory over ${requests.toLocaleString("en")} requests of ${CLIENTS} clients in ${seconds.toFixed(0)} s, MB after each tenth: server ${row("server")}; runner ${row("runner")}`,
  );
}
