// The drawer of those who build apps: what went over the wire, and how to make it go wrong.

import { h, icon, iconButton } from "./dom.js";
import { get } from "./api.js";
import { faultsPanel } from "./faults.js";

const KEEP = 500;
const EVERY_MS = 1000;

export class Traffic {
  constructor(store) {
    this.store = store;
    this.rows = [];
    this.last = 0;
    this.filter = h("input", { type: "search", class: "field-input", placeholder: "Filter, e.g. chat.update or block_actions", "aria-label": "Filter traffic", "data-testid": "traffic-filter", oninput: () => this.#paint() });
    this.list = h("div", { class: "wire", "data-testid": "traffic-list" });
    this.count = h("span", { class: "muted" });
    this.faults = h("div", { class: "faults" });
    this.root = h("section", { class: "drawer", "data-testid": "traffic-drawer", "aria-label": "Traffic inspector", hidden: true, onkeydown: (e) => { if (e.key === "Escape") this.toggle(false); } },
      h("header", { class: "drawer-head" }, icon("pulse"), h("h2", null, "Traffic"), this.count, this.filter,
        h("button", { type: "button", class: "btn small", onclick: () => this.#clear() }, "Clear"), iconButton("close", "Close traffic", () => this.toggle(false))),
      h("div", { class: "drawer-body" }, this.list, this.faults));
  }

  toggle(open = this.root.hidden) {
    this.root.hidden = !open;
    clearInterval(this.timer);
    if (!open) return;
    this.faults.replaceChildren(faultsPanel(this.store));
    this.timer = setInterval(() => this.#poll(), EVERY_MS);
    this.#poll();
    this.filter.focus();
  }

  reset() {
    this.rows = [];
    this.last = 0;
    this.#paint();
  }

  #clear() {
    this.rows = [];
    this.#paint();
  }

  async #poll() {
    let answer;
    try { answer = await get(`traffic?after=${this.last}`); } catch { return; }
    const fresh = answer.traffic || answer.entries || answer.rows || (Array.isArray(answer) ? answer : []);
    if (!fresh.length) return;
    this.rows.push(...fresh);
    this.last = Math.max(this.last, ...fresh.map((row) => row.id ?? row.n ?? row.seq ?? 0));
    this.rows = this.rows.slice(-KEEP);
    this.#paint();
  }

  #paint() {
    const term = this.filter.value.trim().toLowerCase();
    const shown = this.rows.filter((row) => !term || (row.text ||= JSON.stringify(row).toLowerCase()).includes(term));
    this.count.textContent = term ? `${shown.length} of ${this.rows.length}` : `${this.rows.length}`;
    const stay = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight > 40 && this.list.childElementCount;
    const known = new Map([...this.list.children].map((node) => [node.dataset.id, node]));
    this.list.replaceChildren(...(shown.length ? shown.map((row) => known.get(String(row.id)) || line(row)) : [h("div", { class: "empty small" }, icon("pulse"), h("p", { class: "muted" }, term ? "Nothing matches." : "Nothing yet. Say something."))]));
    if (!stay) this.list.scrollTop = this.list.scrollHeight;
  }
}

function line(row) {
  const out = row.direction === "out";
  const bad = row.response?.ok === false || row.status >= 400 || row.error;
  const body = h("div", { class: "wire-body", hidden: true });
  const head = h("button", { type: "button", class: "wire-line", "aria-expanded": "false", onclick: () => {
    body.hidden = !body.hidden;
    head.setAttribute("aria-expanded", String(!body.hidden));
    if (!body.childElementCount) body.append(...detail(row));
  } }, h("time", { class: "msg-time" }, new Date(row.at * 1000).toLocaleTimeString([], { hour12: false })),
  h("span", { class: `way ${out ? "out" : "in"}`, title: out ? "workspace to app" : "app to workspace" }, out ? "→ app" : "app →"), h("span", { class: "kind" }, row.kind || ""),
  h("span", { class: "wire-name" }, row.name || row.method || row.type || ""), row.attempt > 1 || row.retry_num ? h("span", { class: "badge soft" }, "again") : null,
  bad ? h("span", { class: "badge bad" }, row.response?.error || row.error || String(row.status)) : row.response ? h("span", { class: "fine" }, icon("check")) : null);
  return h("div", { class: "wire-row", "data-id": row.id }, head, body);
}

function detail(row) {
  const { request, response, text, ...rest } = row;
  return [["Request", request], ["Response", response], ["Details", rest]].filter(([, value]) => value !== null && value !== undefined)
    .map(([title, value]) => h("div", null, h("div", { class: "wire-title" }, title), h("pre", { class: "pre json" }, json(value))));
}

/** Pretty JSON with keys, strings and numbers told apart. */
export function json(value) {
  const text = JSON.stringify(value, null, 2) ?? "null";
  const out = [];
  let last = 0;
  for (const m of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d[\d.eE+-]*)\b/g)) {
    out.push(text.slice(last, m.index));
    last = m.index + m[0].length;
    out.push(h("span", { class: m[1] ? (m[2] ? "j-key" : "j-str") : "j-num" }, m[1] || m[3]), m[2] || "");
  }
  return [...out, text.slice(last)];
}
