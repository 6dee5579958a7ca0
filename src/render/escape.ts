/**
 * Characters that could drive a terminal or hide text in it: C0, DEL, C1, line and paragraph
 * separators, bidirectional controls, invisible format characters and lone surrogates. The joiners
 * U+200C and U+200D stay, because scripts and emoji are written with them.
 */
const unsafe =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/u;
const everyUnsafe = new RegExp(unsafe.source, "gu");

const shortNames: Readonly<Record<string, string>> = {
  "\n": "⏎",
  "\t": "\\t",
  "\r": "\\r",
  "\x1b": "\\e",
};

/**
 * Replaces characters that could drive a terminal by visible notation: `⏎ \t \r \e \x00 \u202e`.
 *
 * @param keep  characters of the text to leave as they are, for example "\n"
 */
export function escapeControls(text: string, keep = ""): string {
  if (!unsafe.test(text)) return text;
  return text.replace(everyUnsafe, (character) => (keep.includes(character) ? character : notation(character)));
}

/** Escapes what JSON leaves raw though a terminal would obey it; the text stays the same JSON value. */
export function escapeControlsInJson(json: string): string {
  if (!unsafe.test(json)) return json;
  return json.replace(everyUnsafe, (character) =>
    character < " " ? character : "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

function notation(character: string): string {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return shortNames[character] ?? (code < 0x100 ? "\\x" + digits.padStart(2, "0") : "\\u" + digits.padStart(4, "0"));
}
