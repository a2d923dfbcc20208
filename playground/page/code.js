// Preformatted text. A diff or a plan gets coloured lines; a long text folds.

import { h } from "./dom.js";

const FOLD_AT = 18;

export function pre(text) {
  const rows = String(text).replace(/\n$/, "").split("\n");
  const diff = looksLikeDiff(rows);
  const body = h("pre", { class: diff ? "pre diff" : "pre", tabindex: rows.length > FOLD_AT ? 0 : null },
    h("code", null, rows.map((row) => h("span", { class: diff ? `line ${lineClass(row)}` : "line" }, row || "\u200b", "\n"))));
  if (rows.length <= FOLD_AT + 3) return body;
  return fold(body, rows.length);
}

function fold(body, count) {
  const box = h("div", { class: "fold", "data-open-key": `pre-${count}-${body.textContent.slice(0, 24)}` });
  const more = h("button", { type: "button", class: "fold-btn", "aria-expanded": "false" }, `Show all ${count} lines`);
  const toggle = () => {
    const open = box.toggleAttribute("data-open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show less" : `Show all ${count} lines`;
  };
  more.addEventListener("click", toggle);
  box.addEventListener("reopen", toggle);
  box.append(body, more);
  return box;
}

function looksLikeDiff(rows) {
  if (rows.some((row) => /^(@@ |diff --git )/.test(row))) return true;
  const marked = rows.filter((row) => /^\s*([+~-]|-\/\+)\s?\S/.test(row)).length;
  return marked >= 2 && rows.some((row) => /^\s*[+~]\s?\S/.test(row));
}

function lineClass(row) {
  if (/^(diff --git |index |--- |\+\+\+ )/.test(row)) return "meta";
  if (/^@@/.test(row)) return "hunk";
  if (/^\s*-\/\+/.test(row)) return "mod";
  if (/^(\+|\s+\+\s)/.test(row)) return "add";
  if (/^(-|\s+-\s)/.test(row)) return "del";
  if (/^\s*~\s/.test(row)) return "mod";
  return "";
}
