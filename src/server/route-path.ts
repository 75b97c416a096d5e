// The path of a request as Go's server and gin read it: empty segments are cleaned away by a redirect, what is left is decoded
// once (net/http ServeMux, net/url, gin).

export type RoutePath =
  /** Decoded, and written as Go would write it, so that one resource has one path here. */
  | { readonly kind: "clean"; readonly path: string }
  | { readonly kind: "unclean"; readonly path: string; readonly cleaned: string }
  /** Decoded it has dot segments, which belong to no route. */
  | { readonly kind: "nowhere"; readonly path: string }
  /** It cannot be decoded: this is no request. */
  | { readonly kind: "malformed" };

/** `pathname` is one of a URL: plain dot segments are gone from it, and what no URL may hold is escaped. */
export function readRoutePath(pathname: string): RoutePath {
  if (/%(?![0-9A-Fa-f]{2})/.test(pathname)) return { kind: "malformed" };
  if (pathname.includes("//")) return { kind: "unclean", path: pathname, cleaned: pathname.replace(/\/{2,}/g, "/") };
  if (!pathname.includes("%")) return { kind: "clean", path: pathname };
  const path = pathname.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(char) ? char : escape.toUpperCase();
  });
  return /\/\.\.?(?:\/|$)/.test(path) ? { kind: "nowhere", path: pathname } : { kind: "clean", path };
}
