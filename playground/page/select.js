// Select menus, single and multiple, from fixed options, the workspace, or the app.

import { h, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { openMenu } from "./menu.js";
import { change, current } from "./elements.js";
import { personName } from "./store.js";
import { post } from "./api.js";

const FIELD = { users: ["selected_user", "selected_users"], channels: ["selected_channel", "selected_channels"], conversations: ["selected_conversation", "selected_conversations"] };
const kindOf = (e) => e.type.replace(/^multi_/, "").replace(/_select$/, "");

/** [{value, label, group?, option?}] for every source but the app. */
function choices(e, ctx) {
  const { store, me } = ctx.pane;
  const kind = kindOf(e);
  if (kind === "users") return store.state.users.filter((u) => !u.deleted).map((u) => ({ value: u.id, label: personName(u) }));
  if (kind === "channels") return store.state.channels.filter((c) => !c.is_im).map((c) => ({ value: c.id, label: `#${c.name}` }));
  if (kind === "conversations") return store.state.channels.filter((c) => !c.is_im || store.isMember(c, me)).map((c) => ({ value: c.id, label: c.is_im ? store.channelName(c, me) : `#${c.name}` }));
  return [...optionRows(e.options), ...(e.option_groups || []).flatMap((g) => optionRows(g.options, plain(g.label?.text)))];
}

const optionRows = (options, group = null) => (options || []).map((o) => ({ value: o.value, label: plain(o.text?.text), detail: o.description ? plain(o.description.text) : null, group, option: o }));

function selection(e, ctx) {
  const now = current(e, ctx);
  const [one, many] = FIELD[kindOf(e)] || [];
  if (one) return (e.type.startsWith("multi_") ? now[many] || [] : [now[one]].filter(Boolean)).map((v) => ({ value: v, label: labelOf(v, ctx) }));
  return (now.selected_options || [now.selected_option].filter(Boolean)).map((o) => ({ value: o.value, label: plain(o.text?.text), option: o }));
}

function labelOf(id, ctx) {
  const channel = ctx.pane.store.channel(id);
  return channel ? (channel.is_im ? ctx.pane.store.channelName(channel, ctx.pane.me) : `#${channel.name}`) : personName(ctx.pane.store.user(id)) || id;
}

function patchFor(e, rows) {
  const [one, many] = FIELD[kindOf(e)] || [];
  const multi = e.type.startsWith("multi_");
  if (one) return multi ? { [many]: rows.map((r) => r.value) } : { [one]: rows[0]?.value ?? null };
  const options = rows.map((r) => r.option || { text: { type: "plain_text", text: r.label }, value: r.value });
  return multi ? { selected_options: options } : { selected_option: options[0] ?? null };
}

const placeholder = (e, fallback) => plain(e.placeholder?.text || fallback);

/** One choice: the platform's own select, except where the app supplies the options. */
export function picker(e, ctx) {
  if (kindOf(e) === "external") return chooser(e, ctx);
  const rows = choices(e, ctx);
  const chosen = selection(e, ctx)[0]?.value ?? "";
  const option = (r) => h("option", { value: r.value, selected: r.value === chosen }, r.label);
  const groups = [...new Set(rows.map((r) => r.group))];
  const node = h("select", { class: "field-input select", "data-hook": true, id: ctx.inputId, "aria-label": placeholder(e, "Choose"), onchange: () => {
    change(e, ctx, patchFor(e, rows.filter((r) => r.value === node.value)), node);
  } }, h("option", { value: "", disabled: !ctx.collecting }, placeholder(e, "Choose an option")),
  groups.map((g) => (g ? h("optgroup", { label: g }, rows.filter((r) => r.group === g).map(option)) : rows.filter((r) => !r.group).map(option))));
  node.value = chosen;
  return h("span", { class: "select-wrap" }, node, icon("down"));
}

/** Several choices, or one of the app's: a button with what is chosen and a searchable list. */
export function chooser(e, ctx) {
  const multi = e.type.startsWith("multi_");
  let rows = selection(e, ctx);
  const label = h("span", { class: "chooser-label" });
  const node = h("button", { type: "button", class: "field-input chooser", id: ctx.inputId, "aria-haspopup": "listbox", "data-hook": true, onclick: () => open() }, label, icon("down"));
  const paint = () => label.replaceChildren(...(rows.length ? rows.map((r) => h("span", { class: "chip" }, r.label)) : [h("span", { class: "muted" }, placeholder(e, "Choose"))]));
  const pick = (row) => {
    const had = rows.some((r) => r.value === row.value);
    rows = !multi ? [row] : had ? rows.filter((r) => r.value !== row.value) : [...rows, row].slice(0, e.max_selected_items || 100);
    paint();
    change(e, ctx, patchFor(e, rows), node);
  };
  const open = () => openMenu(node, [{ node: listbox(e, ctx, () => rows, pick, multi) }], { label: placeholder(e, "Choose"), wide: true });
  paint();
  return node;
}

function listbox(e, ctx, chosen, pick, multi) {
  const list = h("div", { class: "listbox", role: "listbox", "aria-multiselectable": String(multi) });
  const search = h("input", { class: "field-input", type: "search", placeholder: "Search", "aria-label": "Search options", oninput: () => fill() });
  const fill = async () => {
    const typed = search.value.trim().toLowerCase();
    const rows = kindOf(e) === "external" ? await fromApp(e, ctx, search.value) : choices(e, ctx).filter((r) => r.label.toLowerCase().includes(typed));
    const button = (r) => {
      const on = chosen().some((c) => c.value === r.value);
      const node = h("button", { type: "button", role: "option", class: "menu-item", "aria-selected": String(on), "data-value": r.value, onclick: () => {
        pick(r);
        node.setAttribute("aria-selected", String(chosen().some((c) => c.value === r.value)));
      } }, h("span", { class: "menu-label" }, r.label, r.detail ? h("small", null, r.detail) : null), icon("check", "menu-tick"));
      return node;
    };
    list.replaceChildren(...(rows.length ? rows.map(button) : [h("div", { class: "menu-heading" }, "Nothing found")]));
  };
  fill();
  return h("div", { class: "chooser-panel" }, search, list);
}

/** Options from the app; where the server has no such action, what was typed is the option. */
async function fromApp(e, ctx, value) {
  if (value.length < (e.min_query_length ?? 3) && value) return [];
  const { channel, ts, view_id } = ctx.source;
  const answer = await post("options", { user: ctx.pane.me, channel, ts, view_id, action_id: e.action_id, block_id: ctx.blockId, value }, { quiet: true });
  if (answer.ok) return [...optionRows(answer.options), ...(answer.option_groups || []).flatMap((g) => optionRows(g.options, plain(g.label?.text)))];
  return value ? [{ value, label: value }] : [];
}
