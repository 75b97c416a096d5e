// Images of a message → the parts that OpenAI-compatible engines take: data URIs, which say what kind of image they hold.

import { AppError } from "../../base/errors.ts";

/** How the bytes of each kind begin; `.` stands for any. */
const KINDS: readonly (readonly [type: string, beginning: RegExp])[] = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBP/],
];
const BEGINNING_BYTES = 12;

/** The text stands behind the images, where vision models expect the question. Throws `invalid` for what is no image. */
export function contentParts(text: string, images: readonly string[]): Record<string, unknown>[] {
  const parts: Record<string, unknown>[] = images.map((image) => {
    const base64 = image.replace(/[\r\n]/g, "");
    return { type: "image_url", image_url: { url: `data:${kindOf(base64)};base64,${base64}` } };
  });
  return text === "" ? parts : [...parts, { type: "text", text }];
}

function kindOf(base64: string): string {
  const beginning = Buffer.from(base64.slice(0, BEGINNING_BYTES * 2), "base64").toString("latin1");
  const kind = KINDS.find(([, pattern]) => pattern.test(beginning));
  if (kind === undefined) throw new AppError("invalid", "an image is neither PNG, JPEG, GIF nor WebP");
  return kind[0];
}
