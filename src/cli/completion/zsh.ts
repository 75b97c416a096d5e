// Completion for zsh, by its own _arguments.

import type { CompletableCommand, CompletableFlag } from "./completable.ts";

export function zshCompletion(root: readonly CompletableFlag[], commands: readonly CompletableCommand[]): string {
  const described = commands.map(({ names: [name = ""], summary }) => `    ${quoted(`${name}:${summary.trim()}`)}`);
  return `#compdef ollama
# zsh completion for ollama: source <(ollama completion zsh), or save it as _ollama in a folder of $fpath

_ollama_models() {
  local -a models
  models=(\${(f)"$(command ollama list 2>/dev/null | awk 'NR > 1 { print $1 }')"})
  compadd -a models
}

_ollama() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    _arguments ${root.flatMap(specs).map(quoted).join(" ")}
    return
  fi
  case $words[2] in
${commands.map(caseOf).join("\n")}
  esac
}

if [ "$funcstack[1]" = _ollama ]; then
  _ollama "$@"
else
  compdef _ollama ollama
fi
`;
}

function caseOf({ names, flags, words, onlyFirst }: CompletableCommand): string {
  const action =
    words === "models"
      ? "model:_ollama_models"
      : words === "files"
        ? "file:_files"
        : words.length > 0
          ? `word:(${words.join(" ")})`
          : "word:_files";
  const all = [
    ...flags.flatMap(specs),
    onlyFirst ? `1:${action}` : `*:${action}`,
    ...(onlyFirst ? ["*:file:_files"] : []),
  ];
  // The command itself is no word of its own command line.
  return `    ${names.join("|")}) shift words; ((CURRENT--)); _arguments -S ${all.map(quoted).join(" ")} ;;`;
}

function specs({ long, short, summary, takesWord }: CompletableFlag): string[] {
  const text = `[${summary.replace(/[[\]\\:]/g, "\\$&")}]${takesWord ? ":value:_files" : ""}`;
  return [`${long}${takesWord ? "=" : ""}${text}`, ...(short === "" ? [] : [`${short}${text}`])];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
