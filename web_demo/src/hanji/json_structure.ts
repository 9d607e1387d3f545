/** Checks of JSON that `JSON.parse` does not make: how deep it is nested, and that names are unique. */

/** Levels of arrays and objects; manifests need 10. */
const DEEPEST = 200;
const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c];
const [ARRAY, END_OF_ARRAY, OBJECT, END_OF_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Throws a SyntaxError for valid JSON that is nested too deep, or that has a name twice in an object. */
export function checkStructure(text: string): void {
  const open: (Set<string> | null)[] = []; // the names of an object so far; null for an array
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (isName(text, end)) addName(open.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (code === OBJECT || code === ARRAY) {
      open.push(code === OBJECT ? new Set() : null);
      if (open.length > DEEPEST) throw new SyntaxError(`more than ${DEEPEST} levels of arrays and objects`);
    } else if (code === END_OF_OBJECT || code === END_OF_ARRAY) {
      open.pop();
    }
  }
}

/** The position after the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
}

function isName(text: string, end: number): boolean {
  while (/\s/.test(text.charAt(end))) end++;
  return text.charCodeAt(end) === COLON;
}

function addName(names: Set<string> | null | undefined, literal: string): void {
  const name = JSON.parse(literal) as string; // the same name may be written in several ways
  if (names?.has(name)) throw new SyntaxError(`the name ${literal} occurs twice in an object`);
  names?.add(name);
}
