// Short notices in a corner, read aloud, gone after a while.

import { h, icon, iconButton } from "./dom.js";

let stack = null;

export function toast(text, { tone = "info", seconds = 6 } = {}) {
  if (!stack) document.body.append((stack = h("div", { class: "toasts", role: "status", "aria-live": "polite" })));
  const twin = [...stack.children].find((node) => node.dataset.text === text);
  if (twin) twin.remove();
  const note = h("div", { class: `toast ${tone}`, "data-testid": "toast", "data-text": text },
    icon(tone === "bad" ? "alert" : tone === "good" ? "check" : "info"), h("span", null, text),
    iconButton("close", "Dismiss", () => note.remove()));
  stack.append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}
