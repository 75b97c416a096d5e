// The llama.cpp libraries inside the compiled binary. The build's generated entry registers them; a checkout has none and
// uses node_modules.

export interface EmbeddedFile {
  readonly name: string;
  /** Path inside the binary, readable through Bun.file. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

let files: readonly EmbeddedFile[] = [];

export function registerEmbedded(embedded: readonly EmbeddedFile[]): void {
  files = embedded;
}

export function embeddedFiles(): readonly EmbeddedFile[] {
  return files;
}
