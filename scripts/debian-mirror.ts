// Where Debian's packages come from: DEBIAN_MIRROR, else what this machine's own apt uses, so that nothing else is contacted.

export async function debianMirror(): Promise<string> {
  const chosen = process.env["DEBIAN_MIRROR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const format = "$(CREATED_BY) $(ORIGIN) $(CODENAME) $(REPO_URI)";
  const child = Bun.spawn(["apt-get", "indextargets", "--format", format], { stdout: "pipe", stderr: "ignore" });
  const mirror = mirrorOf(await new Response(child.stdout).text());
  if (mirror !== undefined) return mirror;
  throw new Error("no mirror of Debian is known here: run apt-get update on a Debian machine, or set DEBIAN_MIRROR");
}

/** Of apt's sources the archive itself: security and updates are others, and hold only what has changed. */
export function mirrorOf(targets: string): string | undefined {
  for (const line of targets.split("\n")) {
    const [createdBy, origin, codename = "", uri] = line.split(" ");
    if (createdBy === "Packages" && origin === "Debian" && /^[a-z]+$/.test(codename)) return uri?.replace(/\/$/, "");
  }
  return undefined;
}
