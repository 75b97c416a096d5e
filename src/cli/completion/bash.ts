// Completion for bash, without the bash-completion package, from version 3.2 (macOS) on.

import type { CompletableCommand, CompletableFlag } from "./completable.ts";

export function bashCompletion(root: readonly CompletableFlag[], commands: readonly CompletableCommand[]): string {
  const names = commands.map(({ names: [name] }) => name).join(" ");
  return `# bash completion for ollama: eval "$(ollama completion bash)"

_ollama() {
  # Bash breaks words at colons, which model names have; the line is cut at blanks instead.
  local line=\${COMP_LINE:0:COMP_POINT} cur flags= takes= kind= words= first=1 at=2
  local -a typed
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] || \${#typed[@]} -eq 0 ]] && typed+=("")
  cur=\${typed[\${#typed[@]}-1]}
  COMPREPLY=()
  if ((\${#typed[@]} <= 2)); then
    words="${names} ${flagWords(root)}"
  else
    case \${typed[1]} in
${commands.map(caseOf).join("\n")}
    *) return ;;
    esac
    local previous=\${typed[\${#typed[@]}-2]}
    [[ -n $takes && " $takes " == *" $previous "* ]] && return
    # Words before this one that are neither flags nor their values.
    local count=0
    while ((at < \${#typed[@]} - 1)); do
      if [[ " $takes " == *" \${typed[at]} "* ]]; then at=$((at + 1))
      elif [[ \${typed[at]} != -* ]]; then count=$((count + 1)); fi
      at=$((at + 1))
    done
    if [[ $cur == -* ]]; then words=$flags
    elif ((first && count > 0)); then return
    elif [[ $kind == models ]]; then words=$(command "\${typed[0]}" list 2>/dev/null | awk 'NR > 1 { print $1 }')
    fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  # What stands before the last colon is on the line already.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local prefix=\${cur%"\${cur##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
}

complete -o default -F _ollama ollama
`;
}

function caseOf({ names, flags, words, onlyFirst }: CompletableCommand): string {
  const takes = flags.filter(({ takesWord }) => takesWord).flatMap(({ long, short }) => [long, short]);
  const settings = [
    `flags="${flagWords(flags)}"`,
    `takes="${takes.filter((flag) => flag !== "").join(" ")}"`,
    ...(typeof words === "string" ? [`kind=${words}`] : words.length > 0 ? [`words="${words.join(" ")}"`] : []),
    ...(onlyFirst ? [] : ["first=0"]),
  ];
  return `    ${names.join(" | ")}) ${settings.join(" ")} ;;`;
}

function flagWords(flags: readonly CompletableFlag[]): string {
  return flags.map(({ long }) => long).join(" ");
}
