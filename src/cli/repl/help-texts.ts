// The help of the conversation prompt, one text for each topic.

type Row = readonly [command: string, summary: string];

function listing(title: string, rows: readonly Row[], width: number): string {
  return `${title}\n${rows.map(([command, summary]) => `  ${command.padEnd(width)} ${summary}\n`).join("")}\n`;
}

const commands = listing(
  "Available Commands:",
  [
    ["/set", "Set session variables"],
    ["/show", "Show model information"],
    ["/list", "List models"],
    ["/load <model>", "Load a session or model"],
    ["/save <model>", "Save your current session"],
    ["/clear", "Clear session context"],
    ["/bye", "Exit"],
    ["/?, /help", "Help for a command"],
    ["/? shortcuts", "Help for keyboard shortcuts"],
  ],
  15,
);

/** Files are mentioned only for a model that takes them. */
export function commandsHelp(takesFiles: boolean): string {
  const files = takesFiles ? "Use /path/to/file to include .jpg, .png, .webp images, or .wav audio files.\n" : "";
  return `${commands}Use """ to begin a multi-line message.\n${files}\n`;
}

export const setHelp = listing(
  "Available Commands:",
  [
    ["/set parameter ...", "Set a parameter"],
    ["/set system <string>", "Set system message"],
    ["/set history", "Enable history"],
    ["/set nohistory", "Disable history"],
    ["/set wordwrap", "Enable wordwrap"],
    ["/set nowordwrap", "Disable wordwrap"],
    ["/set format json", "Enable JSON mode"],
    ["/set noformat", "Disable formatting"],
    ["/set verbose", "Show LLM stats"],
    ["/set quiet", "Disable LLM stats"],
    ["/set think [level]", "Enable thinking"],
    ["/set nothink", "Disable thinking"],
  ],
  22,
);

export const showHelp = listing(
  "Available Commands:",
  [
    ["/show info", "Show details for this model"],
    ["/show license", "Show model license"],
    ["/show modelfile", "Show Modelfile for this model"],
    ["/show parameters", "Show parameters for this model"],
    ["/show system", "Show system message"],
    ["/show template", "Show prompt template"],
  ],
  18,
);

/** The most common ones. */
export const parametersHelp = listing(
  "Available Parameters:",
  [
    ["/set parameter seed <int>", "Random number seed"],
    ["/set parameter num_predict <int>", "Max number of tokens to predict"],
    ["/set parameter top_k <int>", "Pick from top k num of tokens"],
    ["/set parameter top_p <float>", "Pick token based on sum of probabilities"],
    ["/set parameter min_p <float>", "Drop tokens below min_p of the best"],
    ["/set parameter num_ctx <int>", "Set the context size"],
    ["/set parameter temperature <float>", "Set creativity level"],
    ["/set parameter repeat_penalty <float>", "How strongly to penalize repetitions"],
    ["/set parameter repeat_last_n <int>", "Set how far back to look for repetitions"],
    ["/set parameter num_gpu <int>", "The number of layers to send to the GPU"],
    ["/set parameter stop <string> <string> ...", "Set the stop parameters"],
  ],
  // The last row may be longer: the others then fit into 80 columns.
  37,
);

export const shortcutsHelp = listing(
  "Available keyboard shortcuts:",
  [
    ["Ctrl + a", "Move to the beginning of the line (Home)"],
    ["Ctrl + e", "Move to the end of the line (End)"],
    [" Alt + b", "Move back (left) one word"],
    [" Alt + f", "Move forward (right) one word"],
    ["Ctrl + k", "Delete the line after the cursor"],
    ["Ctrl + u", "Delete the line before the cursor"],
    ["Ctrl + w", "Delete the word before the cursor"],
    ["Ctrl + j", "Begin a new line"],
    ["Ctrl + l", "Clear the screen"],
    ["Ctrl + g", "Open default editor to compose a prompt"],
    ["Ctrl + c", "Stop the model from responding"],
    ["Ctrl + d", "Exit ollama (/bye)"],
  ],
  19,
);
