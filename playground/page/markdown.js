// The `markdown` block: common Markdown to DOM nodes. HTML in it is text.

import { h, link, safeUrl } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { pre } from "./code.js";

const INLINE = new RegExp([
  "(`+)([\\s\\S]+?)\\1(?!`)",
  "!?\\[([^\\]]*)\\]\\(\\s*([^)\\s]+)(?:\\s+\"[^\"]*\")?\\s*\\)",
  "\\*\\*(?=\\S)([\\s\\S]+?\\S?)\\*\\*|__(?=\\S)([\\s\\S]+?)__",
  "\\*(?=[^\\s*])([^*\\n]+?)\\*|(?<!\\w)_(?=[^\\s_])([^_\\n]+?)_(?!\\w)",
  "~~([\\s\\S]+?)~~",
  "<(https?:\\/\\/[^<>\\s]+)>|(https?:\\/\\/[^\\s<>)]+[^\\s<>).,;:!?])",
  ":([a-z0-9_+-]+):",
  "\\\\([\\\\`*_{}\\[\\]()#+.!|~>-])",
].join("|"), "g");

export function markdown(text) {
  return blocks(String(text ?? "").replace(/\r\n?/g, "\n").split("\n"));
}

function inline(text) {
  const out = [];
  let last = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > last) out.push(text.slice(last, m.index));
    last = m.index + m[0].length;
    const [all, , code, label, href, b1, b2, i1, i2, strike, auto, bare, smiley, escaped] = m;
    if (code !== undefined) out.push(h("code", null, code.trim()));
    else if (href !== undefined) out.push(safeUrl(href) ? link(href, label || href) : all);
    else if (b1 || b2) out.push(h("strong", null, inline(b1 || b2)));
    else if (i1 || i2) out.push(h("em", null, inline(i1 || i2)));
    else if (strike) out.push(h("s", null, inline(strike)));
    else if (auto || bare) out.push(link(auto || bare));
    else if (smiley) out.push(EMOJI[smiley] || all);
    else out.push(escaped ?? all);
  }
  if (last < text.length) out.push(text.slice(last));
  return out;
}

function blocks(rows) {
  const out = [];
  let i = 0;
  const takeWhile = (test) => {
    const start = i;
    while (i < rows.length && test(rows[i])) i += 1;
    return rows.slice(start, i);
  };
  while (i < rows.length) {
    const row = rows[i];
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(row);
    const fence = /^\s*(```+|~~~+)/.exec(row);
    if (!row.trim()) i += 1;
    else if (fence) {
      i += 1;
      const body = takeWhile((r) => !r.trim().startsWith(fence[1]));
      i += 1;
      out.push(pre(body.join("\n")));
    } else if (heading) {
      i += 1;
      out.push(h("div", { class: `md-h md-h${heading[1].length}`, role: "heading", "aria-level": heading[1].length + 2 }, inline(heading[2])));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) {
      i += 1;
      out.push(h("hr"));
    } else if (/^\s*>/.test(row)) {
      out.push(h("blockquote", null, blocks(takeWhile((r) => /^\s*>/.test(r)).map((r) => r.replace(/^\s*> ?/, "")))));
    } else if (ITEM.test(row)) out.push(list(takeWhile((r) => ITEM.test(r) || /^\s{2,}\S/.test(r))));
    else if (/\|/.test(row) && /^\s*\|?\s*:?-{2,}/.test(rows[i + 1] || "")) out.push(grid(takeWhile((r) => /\|/.test(r))));
    else {
      const para = takeWhile((r, _) => r.trim() && !STARTS.test(r));
      if (!para.length) para.push(rows[i++]);
      out.push(h("p", null, para.map((r, n) => [n ? h("br") : null, inline(r.trim())])));
    }
  }
  return out;
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const STARTS = /^(#{1,6}\s|\s*(```|~~~)|\s*>|\s*([-*+]|\d+[.)])\s+)/;

function list(rows) {
  const base = ITEM.exec(rows[0]);
  const ordered = /\d/.test(base[2]);
  const root = h(ordered ? "ol" : "ul", ordered ? { start: parseInt(base[2], 10) } : null);
  let inner = [];
  let item = null;
  const flush = () => {
    if (item && inner.length) item.append(...blocks(inner.map((r) => r.replace(/^( {1,4}|\t)/, ""))));
    inner = [];
  };
  for (const row of rows) {
    const m = ITEM.exec(row);
    if (m && m[1].length <= base[1].length + 1) {
      flush();
      const task = /^\[([ xX])\]\s+(.*)$/.exec(m[3]);
      item = h("li", task ? { class: "task-item" } : null, task ? (task[1] === " " ? "☐ " : "☑ ") : null, inline(task ? task[2] : m[3]));
      root.append(item);
    } else inner.push(row);
  }
  flush();
  return root;
}

function grid(rows) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((c) => c.trim());
  const [head, , ...body] = rows;
  return h("div", { class: "table-wrap" }, h("table", null,
    h("thead", null, h("tr", null, cells(head).map((c) => h("th", null, inline(c))))),
    h("tbody", null, body.map((row) => h("tr", null, cells(row).map((c) => h("td", null, inline(c))))))));
}
