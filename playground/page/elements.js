// Interactive elements. In a message or a home tab a change is sent at once; in an input block it is kept until Submit.

import { h, icon, safeUrl } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";
import { initial } from "./forms.js";
import { openMenu, ask } from "./menu.js";
import { picker, chooser } from "./select.js";

export function element(e, ctx) {
  const make = KINDS[e.type];
  if (!make) return h("span", { class: "unknown-element", title: JSON.stringify(e) }, `Unknown element: ${e.type}`);
  const node = make(e, ctx);
  const hook = node.matches("input, button, select, textarea") ? node : node.querySelector("[data-hook]") || node;
  if (e.action_id) hook.dataset.actionId = e.action_id;
  if (ctx.blockId) hook.dataset.blockId = ctx.blockId;
  return node;
}

const KINDS = {
  button, overflow, checkboxes,
  workflow_button: button,
  image: (e) => h("span", { class: "picture-link" }, icon("image"), e.alt_text || "image"),
  radio_buttons: radio,
  plain_text_input: text, email_text_input: text, url_text_input: text, number_input: text, rich_text_input: text,
  datepicker: (e, ctx) => dated(e, ctx, "date", "selected_date"),
  timepicker: (e, ctx) => dated(e, ctx, "time", "selected_time"),
  datetimepicker: (e, ctx) => dated(e, ctx, "datetime-local", "selected_date_time"),
  static_select: picker, external_select: picker, users_select: picker, channels_select: picker, conversations_select: picker,
  multi_static_select: chooser, multi_external_select: chooser, multi_users_select: chooser, multi_channels_select: chooser, multi_conversations_select: chooser,
  file_input: () => h("span", { class: "muted" }, "Files cannot be attached in the playground."),
  icon_button: (e, ctx) => h("button", { type: "button", class: "icon-btn", title: plain(e.text?.text || e.icon), "aria-label": plain(e.text?.text || e.icon),
    onclick: (event) => act(e, ctx, { value: e.value }, event.currentTarget) }, icon(e.icon === "trash" ? "trash" : "more")),
  feedback_buttons: (e, ctx) => h("span", { class: "row" }, [["positive_button", "up"], ["negative_button", "thumbdown"]].filter(([k]) => e[k]).map(([k, glyph]) =>
    h("button", { type: "button", class: "icon-btn", title: plain(e[k].text?.text), "aria-label": plain(e[k].text?.text),
      onclick: (event) => act(e, ctx, { value: e[k].value }, event.currentTarget) }, icon(glyph)))),
};

/** The value this element has now: what was filled in here, else its initial one. */
export const current = (e, ctx) => ctx.pane.forms.get(ctx.owner, ctx.blockId, e.action_id) || initial(e);

/** Keeps a new value, and sends it unless an input block is collecting. */
export function change(e, ctx, patch, node) {
  const record = { type: e.type, ...patch };
  ctx.pane.forms.set(ctx.owner, ctx.blockId, e.action_id, record);
  ctx.clearError?.(ctx.blockId);
  if (!ctx.collecting || ctx.dispatch) act(e, ctx, patch, node);
}

async function act(e, ctx, patch, node) {
  if (e.confirm && !(await confirmed(e.confirm, ctx))) return;
  await ctx.pane.click(ctx, e, patch, node);
}

const confirmed = (c, ctx) => ask({
  title: plain(c.title?.text || "Are you sure?"), body: textObject(c.text, ctx.names),
  confirm: plain(c.confirm?.text || "Yes"), deny: plain(c.deny?.text || "Cancel"), danger: c.style === "danger",
});

function button(e, ctx) {
  const hidden = e.visible_to_user_ids && !e.visible_to_user_ids.includes(ctx.pane.me);
  return h("button", {
    type: "button", class: `btn ${["primary", "danger"].includes(e.style) ? e.style : ""}`, hidden, "aria-label": e.accessibility_label || null, "data-value": e.value,
    onclick: async (event) => {
      const href = e.url && safeUrl(e.url);
      if (href) window.open(href, "_blank", "noopener,noreferrer");
      if (e.action_id || !href) await act(e, ctx, { value: e.value }, event.currentTarget);
    },
  }, plain(e.text?.text || "Button"), e.url ? icon("link") : null);
}

function overflow(e, ctx) {
  const node = h("button", { type: "button", class: "btn square", "aria-label": "More actions", "aria-haspopup": "menu" }, icon("more"));
  node.addEventListener("click", () => openMenu(node, (e.options || []).map((o) => ({
    label: plain(o.text?.text), detail: o.description ? plain(o.description.text) : null, props: { "data-value": o.value },
    onpick: () => {
      const href = o.url && safeUrl(o.url);
      if (href) window.open(href, "_blank", "noopener,noreferrer");
      act(e, ctx, { selected_option: o, value: o.value }, node);
    },
  })), { label: "More actions" }));
  return node;
}

function radio(e, ctx) {
  const chosen = current(e, ctx).selected_option?.value;
  const name = `${ctx.owner}-${ctx.blockId}-${e.action_id}`;
  return h("div", { class: "options", role: "radiogroup", "data-hook": true }, (e.options || []).map((o) => h("label", { class: "option" },
    h("input", { type: "radio", name, value: o.value, checked: o.value === chosen, onchange: (event) => change(e, ctx, { selected_option: o }, event.target) }),
    optionText(o, ctx))));
}

function checkboxes(e, ctx) {
  const chosen = new Set((current(e, ctx).selected_options || []).map((o) => o.value));
  const box = h("div", { class: "options", role: "group", "data-hook": true }, (e.options || []).map((o) => h("label", { class: "option" },
    h("input", { type: "checkbox", name: `${ctx.owner}-${ctx.blockId}-${e.action_id}-${o.value}`, value: o.value, checked: chosen.has(o.value), onchange: (event) => {
      const picked = new Set([...box.querySelectorAll("input:checked")].map((n) => n.value));
      change(e, ctx, { selected_options: e.options.filter((x) => picked.has(x.value)) }, event.target);
    } }), optionText(o, ctx))));
  return box;
}

const optionText = (o, ctx) => h("span", null, textObject(o.text, ctx.names), o.description ? h("small", null, textObject(o.description, ctx.names)) : null);

const INPUT_TYPES = { email_text_input: "email", url_text_input: "url", number_input: "text" };

function text(e, ctx) {
  const multi = e.multiline || e.type === "rich_text_input";
  const now = current(e, ctx);
  const value = e.type === "rich_text_input" ? plainOf(now.rich_text_value) : now.value ?? "";
  return h(multi ? "textarea" : "input", {
    class: "field-input", type: multi ? null : INPUT_TYPES[e.type] || "text", inputmode: e.type === "number_input" ? "decimal" : null,
    rows: multi ? 4 : null, maxlength: e.max_length || null, placeholder: e.placeholder ? plain(e.placeholder.text) : null, value, id: ctx.inputId,
    oninput: (event) => keep(e, ctx, event.target.value),
    onkeydown: (event) => {
      const triggers = e.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
      if (event.key === "Enter" && !multi && (ctx.dispatch || !ctx.collecting) && triggers.includes("on_enter_pressed")) {
        event.preventDefault();
        act(e, ctx, current(e, ctx), event.target);
      }
    },
  });
}

function keep(e, ctx, value) {
  const record = e.type === "rich_text_input" ? { rich_text_value: value ? richOf(value) : null } : { value: value || null };
  ctx.pane.forms.set(ctx.owner, ctx.blockId, e.action_id, { type: e.type, ...record });
  ctx.clearError?.(ctx.blockId);
}

const richOf = (value) => ({ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }] });
const plainOf = (rich) => (rich?.elements || []).flatMap((part) => (part.elements || []).map((leaf) => leaf.text || leaf.url || "")).join("");

function dated(e, ctx, type, field) {
  const now = current(e, ctx)[field];
  const value = type === "datetime-local" && now ? localStamp(now) : now || "";
  return h("input", { type, class: "field-input narrow", value, id: ctx.inputId, "aria-label": ctx.inputId ? null : plain(e.placeholder?.text || { date: "Date", time: "Time" }[type] || "Date and time"), onchange: (event) => {
    const raw = event.target.value;
    change(e, ctx, { [field]: !raw ? null : type === "datetime-local" ? Math.floor(new Date(raw).getTime() / 1000) : raw }, event.target);
  } });
}

function localStamp(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
