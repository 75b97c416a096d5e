// install.ps1, judged by a PowerShell grammar everywhere, and its decisions run by a real PowerShell where there is one.

import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";

const file = join(import.meta.dir, "../../install.ps1");
const text = readFileSync(file, "utf8");
const pwsh = Bun.which("pwsh") ?? Bun.which("powershell");

let tree: Node;
let parser: Parser;

beforeAll(async () => {
  await Parser.init();
  parser = new Parser();
  const grammar = join(import.meta.dir, "../../node_modules/tree-sitter-powershell/tree-sitter-powershell.wasm");
  parser.setLanguage(await Language.load(grammar));
  tree = parser.parse(text)?.rootNode as Node;
});

function all(node: Node, type: string): Node[] {
  return node.descendantsOfType(type).filter((found) => found !== null);
}

const functionNames = () => all(tree, "function_statement").map((node) => all(node, "function_name")[0]?.text ?? "");

test("the grammar finds no mistake in it, and would", () => {
  expect(tree.hasError).toBe(false);
  expect(parser.parse(`${text}\nif (`)?.rootNode.hasError).toBe(true);
});

test("every function that it calls is its own or PowerShell's", () => {
  const own = new Set(functionNames());
  const called = new Set(all(tree, "command_name").map((node) => node.text));
  const known = /^(Add|Copy|ConvertFrom|Expand|Get|Invoke|Join|Move|New|Out|Remove|Select|Test|Where|Write)-/;
  const builtIn = new Set(
    "Write-Host Where-Object Get-CimInstance Select-Object Get-Command Test-Path Get-Content ConvertFrom-Json New-Item Out-Null Join-Path Invoke-WebRequest Copy-Item Get-FileHash Move-Item New-Object Remove-Item Get-ChildItem".split(
      " ",
    ),
  );
  expect([...called].filter((name) => /^[A-Z]\w*-\w+$/.test(name) && !own.has(name) && !builtIn.has(name))).toEqual([]);
  expect([...called].filter((name) => known.test(name)).length).toBeGreaterThan(20);
  // Nothing is left that nobody calls, except the one that starts it all.
  expect([...own].filter((name) => !called.has(name))).toEqual([]);
});

test("decisions look only at what they are given", () => {
  for (const node of all(tree, "function_statement")) {
    const name = all(node, "function_name")[0]?.text ?? "";
    if (!/^(Select|Add|Remove)-/.test(name)) continue;
    const foreign = node.text.match(/\$env:(?!OLLAMA_NATIVE)|wsl\.exe +|\[Environment\]|Get-|Invoke-/g) ?? [];
    expect([name, foreign.filter((word) => !node.text.includes(`# ${word}`))]).toEqual([name, []]);
  }
});

/** In: arguments; out: what the decision says. */
const decisions: readonly (readonly [call: string, result: string])[] = [
  ["(Select-WslStep 18363 $true $true $false $true 1 2).Action", "stop"],
  ["(Select-WslStep 22631 $false $true $false $true 1 2).Text.Substring(0, 14)", "Virtualisation"],
  ["(Select-WslStep 22631 $true $false $false $false 0 0).Text.Contains('administrator')", "True"],
  ["(Select-WslStep 22631 $true $false $false $true 0 0).Action", "install-wsl"],
  ["(Select-WslStep 22631 $true $true $true $true 1 2).Action", "stop"],
  ["(Select-WslStep 22631 $true $true $false $false 0 0).Action", "install-distro"],
  ["(Select-WslStep 22631 $true $true $false $false 1 1).Action", "convert-distro"],
  ["(Select-WslStep 22631 $true $true $false $false 1 2).Action", "ready"],
  ["Select-Target 'AMD64' ''", "windows-x64"],
  ["Select-Target 'AMD64' 'cuda'", "windows-x64-cuda"],
  ["Select-Target 'ARM64' 'cpu'", "windows-arm64"],
  ["Select-Source 'https://a/b/' '' ''", "https://a/b"],
  ["Select-Source '' 'https://c' 'v1.2.3'", "https://c/v1.2.3"],
  ["(Select-Source '' '@X@' '').Length", "0"],
  [
    "(Select-Distro @('  NAME      STATE   VERSION', '* Ubuntu    Stopped  2', '  Debian  Running  1') '').Name",
    "Ubuntu",
  ],
  ["(Select-Distro @('* Ubuntu    Stopped  2', '  Debian  Running  1') 'Debian').Version", "1"],
  ["$null -eq (Select-Distro @() '')", "True"],
  ["Add-ToPath 'C:\\a;C:\\b' 'C:\\c'", "C:\\a;C:\\b;C:\\c"],
  ["Add-ToPath 'C:\\a' 'C:\\a'", "C:\\a"],
  ["Remove-FromPath 'C:\\a;C:\\b' 'C:\\a'", "C:\\b"],
];

if (pwsh === null)
  console.error("SKIPPED: the decisions of install.ps1 run only where pwsh or powershell is installed");

describe.skipIf(pwsh === null)("decisions", () => {
  test.each(decisions)("%s is %s", (call, result) => {
    const script = `$env:OLLAMA_INSTALL_FUNCTIONS_ONLY = '1'; . '${file}'; ${call}`;
    const ran = Bun.spawnSync([pwsh ?? "", "-NoProfile", "-NonInteractive", "-Command", script]);
    expect([ran.stdout.toString().trim(), ran.stderr.toString()]).toEqual([result, ""]);
  });
});
