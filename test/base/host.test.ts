// OLLAMA_HOST in the forms that Ollama's envconfig takes.

import { expect, test } from "bun:test";
import { clientUrl, hostPort, isLoopback, parseHost } from "../../src/base/host.ts";

test.each([
  ["", "http://127.0.0.1:11434"],
  ["1.2.3.4", "http://1.2.3.4:11434"],
  [":1234", "http://127.0.0.1:1234"],
  ["1.2.3.4:1234", "http://1.2.3.4:1234"],
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["::1", "http://[::1]:11434"],
  ["[::1]", "http://[::1]:11434"],
  ["[::1]:1337", "http://[::1]:1337"],
  ["::", "http://[::1]:11434"],
  ["localhost", "http://localhost:11434"],
  ["http://1.2.3.4", "http://1.2.3.4:80"],
  ["https://1.2.3.4", "https://1.2.3.4:443"],
  ["https://1.2.3.4:443/ollama/", "https://1.2.3.4:443/ollama"],
  ["example.com/ollama", "http://example.com:11434/ollama"],
  ["1.2.3.4:65536", "http://1.2.3.4:11434"],
  ["1.2.3.4:-1", "http://1.2.3.4:11434"],
  ["1.2.3.4:http", "http://1.2.3.4:11434"],
  [" 1.2.3.4 ", "http://1.2.3.4:11434"],
  ["ollama.com", "https://ollama.com:443"],
  ["tcp://1.2.3.4:1234", "http://1.2.3.4:1234"],
  ["tcp://1.2.3.4", "http://1.2.3.4:11434"],
])("%p is reached at %p", (value, url) => {
  expect(clientUrl(parseHost(value))).toBe(url);
});

test("an address for all interfaces stays what it is for the listener", () => {
  expect(hostPort(parseHost("0.0.0.0:80"))).toBe("0.0.0.0:80");
  expect(hostPort(parseHost("[::]:80"))).toBe("[::]:80");
  expect(hostPort(parseHost(":80"))).toBe("0.0.0.0:80");
  expect(hostPort(parseHost("http://:80"))).toBe("0.0.0.0:80");
  expect(hostPort(parseHost(""))).toBe("127.0.0.1:11434");
});

test("loopback is this machine only", () => {
  expect(["localhost", "127.0.0.1", "127.8.9.1", "::1"].every(isLoopback)).toBe(true);
  expect(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com"].some(isLoopback)).toBe(false);
});
