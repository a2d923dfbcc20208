// Switches that make the workspace misbehave, and the way back to a clean one.

import { h, icon } from "./dom.js";
import { post } from "./api.js";
import { toast } from "./toast.js";

const FAULTS = [
  ["duplicate", "Duplicate", "extra copies of every delivery", 3],
  ["reorder", "Reorder", "hold this many events, then shuffle", 20],
  ["delay_ms", "Delay", "milliseconds before each delivery", 60000],
  ["drop", "Drop", "lose the next deliveries; events come again", 50],
  ["lose", "Lose", "lose the next events for good", 50],
  ["rate_limit", "429", "next API calls are rate limited", 50],
  ["server_error", "500", "next API calls fail, nothing done", 50],
  ["server_error_after_commit", "500 after commit", "next writes are done, then fail", 50],
];

export function faultsPanel(store) {
  const now = store.state.faults || {};
  const rows = FAULTS.map(([name, label, detail, max]) => {
    const value = typeof now[name] === "object" ? now[name]?.count : now[name];
    return h("label", { class: "fault" }, h("span", null, h("strong", null, label), h("small", null, detail)),
      h("input", { type: "number", min: 0, max, class: "field-input", name, value: String(Number(value) || 0), "data-fault": name }));
  });
  const form = h("form", { "data-testid": "faults", onsubmit: async (event) => {
    event.preventDefault();
    const known = store.state.faults;
    const body = Object.fromEntries([...form.querySelectorAll("input")].map((n) => [n.name, Math.max(0, Math.floor(Number(n.value) || 0))]).filter(([name, n]) => n || !known || name in known));
    const answer = await post("faults", body);
    if (answer.ok) toast(Object.values(body).some(Boolean) ? "The workspace will misbehave as told." : "The workspace behaves again.", { tone: "good" });
  } }, h("h3", null, icon("bolt"), "Faults"), rows, h("div", { class: "row" }, h("button", { type: "submit", class: "btn primary small" }, "Apply"),
    h("button", { type: "button", class: "btn small", onclick: () => { for (const n of form.querySelectorAll("input")) n.value = "0"; form.requestSubmit(); } }, "Behave")));
  return form;
}
