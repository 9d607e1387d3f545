/** Formats values for messages, like the Python runtime. */

/** A short description of any value: quoted strings, numbers, and the type of arrays and objects. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return value === null ? "null" : "nothing";
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (typeof value === "object") return ArrayBuffer.isView(value) ? value.constructor.name : "an object";
  if (typeof value === "function") return "a function";
  const text = typeof value === "string" ? quoted(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** An id in the format of Python's repr: 196, 'item-3', "it's". */
export function quoted(value: string | number): string {
  if (typeof value === "number") return String(value);
  const escaped = value.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? character);
  if (value.includes("'") && !value.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A number with three significant digits, like Python's format "%.3g". */
export function formatNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [digits = "", power = "0"] = value.toExponential(2).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 3) {
    const sign = exponent < 0 ? "-" : "+";
    return `${trimmed(digits)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return trimmed(value.toFixed(2 - exponent));
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
