// The `input` block: label, element, hint, error.

import { append, h, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { element } from "./elements.js";

let serial = 0;

export function inputBlock(block, ctx) {
  const inputId = `input-${(serial += 1)}`;
  const node = h("div", { class: "input" });
  const slot = h("div", { class: "input-error", role: "alert" });
  const clearError = () => { node.classList.remove("bad"); slot.replaceChildren(); };
  const control = element(block.element || {}, { ...ctx, inputId, collecting: true, dispatch: Boolean(block.dispatch_action), clearError });
  const error = ctx.errors?.[ctx.blockId];
  if (error) {
    node.classList.add("bad");
    slot.append(icon("alert"), h("span", null, error));
  }
  const label = h("label", { for: inputId, class: "input-label" }, plain(block.label?.text), block.optional ? h("span", { class: "muted" }, " (optional)") : null);
  return append(node, [label, control, slot, block.hint ? h("div", { class: "hint" }, plain(block.hint.text)) : null]);
}
