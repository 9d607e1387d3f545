/**
 * The Content-Security-Policy of the page. index.html has the same policy in a <meta> element, which applies
 * to the page only. Workers get theirs from the headers of their script, which the service worker sets; the
 * host should send them as well (see README.md).
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  // Allows compiling WebAssembly, but not eval().
  "script-src 'self' 'wasm-unsafe-eval'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export const HEADERS: Readonly<Record<string, string>> = {
  // frame-ancestors is ignored in a <meta> element.
  "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
