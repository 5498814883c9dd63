/* How a typed name is folded for the search: as `naming.normalise` of the package does it. */
const VARIANTS = new Map();
for (const [all, plain] of [
  ["‘’‚‛′ʹʻʼʽ`´＇", "'"],
  ["“”„‟″«»", '"'],
  ["‐‑‒–—―−﹘﹣", "-"],
  ["⁄∕⧸", "/"],
  ["·•∙⋅・", "·"],
]) {
  for (const letter of all) VARIANTS.set(letter, plain);
}
const GREEK = /\p{Script=Greek}/u;
const LOSES_MARKS = /[\p{Script=Latin}\p{Script=Greek}]/u;
const MARK = /(?![\ufe00-\ufe0f])\p{Mn}/u;
const SPACE = /[\s\u001c-\u001f\u0085]/u;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/u;

const plainVariants = (text) => [...text].map((letter) => VARIANTS.get(letter) ?? letter).join("");

function caseless(letter) {
  if (letter === "ß" || letter === "ẞ") return "ss";
  const small = letter.toLowerCase();
  return GREEK.test(small) ? small.toUpperCase().toLowerCase().replaceAll("ς", "σ") : small;
}

function foldOnce(name) {
  const text = [...plainVariants(plainVariants(name).normalize("NFKC"))].map(caseless).join("");
  let folded = "";
  let losesMarks = false;
  for (const letter of text.normalize("NFD")) {
    if (MARK.test(letter)) {
      if (losesMarks) continue;
    } else {
      losesMarks = LOSES_MARKS.test(letter);
    }
    if (!INVISIBLE.test(letter) || SPACE.test(letter)) folded += letter;
  }
  return folded.normalize("NFKC").split(SPACE).filter(Boolean).join(" ");
}

function fold(name) {
  let before = null;
  let folded = name;
  while (folded !== before) [before, folded] = [folded, foldOnce(folded)];
  return folded || name.trim();
}
