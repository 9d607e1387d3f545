/**
 * What browsers are told to forbid. index.html holds the same policy in a <meta>, which covers the page; a
 * worker takes its policy from the headers of its script, which the service worker sends. So should the host:
 * see README.md.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  // WebAssembly has to be compiled; nothing else may be made from text.
  "script-src 'self' 'wasm-unsafe-eval'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export const HEADERS: Readonly<Record<string, string>> = {
  // frame-ancestors means nothing in a <meta>.
  "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
