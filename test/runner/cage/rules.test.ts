import { expect, test } from "bun:test";
import { cageRules } from "../../../src/runner/cage/rules.ts";
import type { LoadRequest } from "../../../src/runner/protocol.ts";
import { runnerEnvironment } from "../../../src/runner/self.ts";

const request = {
  modelPath: "/models/blobs/sha256-aa",
  adapters: [{ path: "/models/blobs/sha256-bb", scale: 1 }],
  draft: undefined,
  libraryDir: "/cache/lib/1",
  backendFiles: ["/cache/lib/1/libggml-cpu-haswell.so"],
  stateDir: "/cache/state/aa",
};
const devices = ["null", "sda", "mem", "nvidia0", "nvidiactl", "nvidia-uvm", "dri", "kfd", "tty"];

test("a runner on the processor gets its own files, one folder to write to and no device", () => {
  const draft = { path: "/models/blobs/sha256-cc" } as LoadRequest["draft"];
  const rules = cageRules({ ...request, draft }, devices);
  expect(rules.read).toContain("/models/blobs/sha256-aa");
  expect(rules.read).toContain("/models/blobs/sha256-bb");
  expect(rules.read).toContain("/models/blobs/sha256-cc");
  expect(
    rules.read.filter((path) => ["/", "/etc", "/usr", "/models", "/models/blobs", "/proc", "/cache"].includes(path)),
  ).toEqual([]);
  expect(rules.write).toEqual(["/cache/state/aa"]);
  expect(rules.devices).toEqual(["/dev/null"]);
  expect(rules.syscalls).toEqual([]);
  expect(cageRules({ ...request, stateDir: undefined }, devices).write).toEqual([]);
});

test.each([
  ["libggml-cuda.so", ["/dev/null", "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dri"]],
  ["libggml-hip.so", ["/dev/null", "/dev/dri", "/dev/kfd"]],
])("%s widens the cage by its devices and the driver's files, not by disks or terminals", (file, nodes) => {
  const rules = cageRules({ ...request, backendFiles: [`/cache/lib/1/${file}`, ...request.backendFiles] }, devices);
  expect(rules.devices).toEqual(nodes);
  expect(rules.read).toContain("/usr");
  expect(rules.read).not.toContain("/home");
});

test("a runner's environment holds no secrets", () => {
  const env = {
    PATH: "/bin",
    HOME: "/home/me",
    CUDA_VISIBLE_DEVICES: "0",
    LD_LIBRARY_PATH: "/opt/lib",
    HF_TOKEN: "secret",
    OLLAMA_API_KEY: "secret",
    AWS_SECRET_ACCESS_KEY: "secret",
    HTTPS_PROXY: "http://me:secret@proxy",
  };
  const { HF_TOKEN: _, OLLAMA_API_KEY: __, AWS_SECRET_ACCESS_KEY: ___, HTTPS_PROXY: ____, ...kept } = env;
  expect(runnerEnvironment(env)).toEqual({ ...kept, GGML_NO_BACKTRACE: "1" });
});
