// Completion for fish.

import type { CompletableCommand, CompletableFlag } from "./completable.ts";

export function fishCompletion(root: readonly CompletableFlag[], commands: readonly CompletableCommand[]): string {
  const isFirst = "__fish_use_subcommand";
  const lines = [
    ...commands.map(
      ({ names: [name = ""], summary }) =>
        `complete -c ollama -f -n ${isFirst} -a ${name} -d ${quoted(summary.trim())}`,
    ),
    ...root.map((flag) => flagLine(isFirst, flag)),
    ...commands.flatMap(commandLines),
  ];
  return `# fish completion for ollama: ollama completion fish | source

function __ollama_models
    command ollama list 2>/dev/null | awk 'NR > 1 { print $1 }'
end

# The words after the command that are no flags, but for the one being typed.
function __ollama_has_word
    set -l words (commandline -opc)
    test (count (string match -v -- '-*' $words[3..])) -gt 0
end

${lines.join("\n")}
`;
}

function commandLines({ names, flags, words, onlyFirst }: CompletableCommand): string[] {
  const isThis = `__fish_seen_subcommand_from ${names.join(" ")}`;
  const isWanted = onlyFirst ? `${isThis}; and not __ollama_has_word` : isThis;
  const offered = words === "models" ? "(__ollama_models)" : words === "files" ? undefined : words.join(" ");
  const wordLine = `complete -c ollama -f -n ${quoted(isWanted)} -a ${quoted(offered ?? "")}`;
  return [
    ...(offered === undefined || offered === "" ? [] : [wordLine]),
    ...flags.map((flag) => flagLine(quoted(isThis), flag)),
  ];
}

function flagLine(condition: string, { long, short, summary, takesWord }: CompletableFlag): string {
  const names = `-l ${long.slice(2)}${short === "" ? "" : ` -s ${short.slice(1)}`}`;
  return `complete -c ollama -n ${condition} ${names}${takesWord ? " -r" : ""} -d ${quoted(summary)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
