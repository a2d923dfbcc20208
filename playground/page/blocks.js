// Block Kit layout: one function a block type; what is unknown is shown as the JSON it is.

import { h, icon, link, safeUrl } from "./dom.js";
import { mrkdwn, plain, textObject } from "./mrkdwn.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { element } from "./elements.js";
import { inputBlock } from "./input.js";

/** ctx: {pane, names, owner, source, errors?, inModal?}: whose page, which message or view. */
export function renderBlocks(blocks, ctx) {
  return (blocks || []).map((block, index) => {
    const blockId = block.block_id || `b${index}`;
    const make = KINDS[block.type] || unknown;
    let node;
    try { node = make(block, { ...ctx, blockId }); } catch { node = unknown(block); }
    node.dataset.blockId = blockId;
    node.classList.add("block", `block-${block.type}`);
    return node;
  });
}

const KINDS = {
  section, header, context, actions, image, video, file, table, plan, alert, card, container, carousel, call,
  divider: () => h("hr"),
  input: inputBlock,
  markdown: (block) => h("div", { class: "md" }, markdown(block.text)),
  rich_text: (block, ctx) => h("div", null, richText(block, ctx.names)),
  task_card: (block, ctx) => task(block, ctx),
  context_actions: (block, ctx) => h("div", { class: "row" }, (block.elements || []).map((e) => element(e, ctx))),
};

function section(block, ctx) {
  const text = block.text ? h("div", { class: "text" }, textObject(block.text, ctx.names)) : null;
  const fields = block.fields ? h("div", { class: "fields" }, block.fields.map((f) => h("div", { class: "field" }, textObject(f, ctx.names)))) : null;
  const body = h("div", { class: "section-body" }, text, fields);
  return h("div", null, body, block.accessory ? h("div", { class: "accessory" }, element(block.accessory, ctx)) : null);
}

function header(block) {
  return h("div", { role: "heading", "aria-level": 3 }, plain(block.text?.text));
}

function context(block, ctx) {
  return h("div", null, (block.elements || []).map((e) =>
    e.type === "image" ? picture(e, "context-image") : h("span", { class: "context-text" }, textObject(e, ctx.names))));
}

function actions(block, ctx) {
  return h("div", { class: "row" }, (block.elements || []).map((e) => element(e, ctx)));
}

/** Remote pictures are named and linked, never loaded: the page talks to its own origin only. */
function picture(image, cls = "") {
  const url = image.image_url || image.slack_file?.url;
  const alt = image.alt_text || "image";
  if (/^data:image\/(png|jpe?g|gif|webp);/.test(url || "")) return h("img", { src: url, alt, class: `picture ${cls}` });
  return h("span", { class: `picture-link ${cls}` }, icon("image"), safeUrl(url) ? link(url, alt) : alt);
}

function image(block) {
  return h("figure", null, block.title ? h("figcaption", null, plain(block.title.text)) : null, picture(block));
}

function video(block) {
  return h("div", { class: "panel" }, h("div", { class: "panel-title" }, block.title_url ? link(block.title_url, plain(block.title?.text)) : plain(block.title?.text)),
    block.description ? h("div", { class: "muted" }, plain(block.description.text)) : null,
    h("div", { class: "muted" }, block.provider_name ? `${block.provider_name} · ` : "", link(block.video_url, "Open the video")));
}

function file(block) {
  return h("div", { class: "panel" }, icon("file"), ` ${block.file?.title || block.external_id || block.file_id || "Remote file"}`);
}

function call(block) {
  const info = block.call?.v1 || {};
  return h("div", { class: "panel" }, h("strong", null, info.name || "Call"), " ", info.join_url ? link(info.join_url, "Join") : null);
}

function table(block, ctx) {
  const align = (n) => `align-${block.column_settings?.[n]?.align || "left"}`;
  const [head = [], ...body] = block.rows || [];
  const row = (tag) => (cells) => h("tr", null, cells.map((c, n) => h(tag, { class: align(n) }, cell(c, ctx))));
  return h("div", { class: "table-wrap" }, h("table", null, h("thead", null, row("th")(head)), h("tbody", null, body.map(row("td")))));
}

function cell(value, ctx) {
  if (value?.type === "rich_text") return richText(value, ctx.names);
  if (value?.type === "mrkdwn") return mrkdwn(value.text, ctx.names);
  return plain(String(value?.text ?? value?.value ?? value?.number ?? ""), { emoji: false });
}

const STATUS = { pending: ["clock", "Pending"], in_progress: ["reset", "In progress"], complete: ["check", "Done"], error: ["alert", "Failed"] };

function rich(value, ctx) {
  if (!value) return null;
  if (typeof value === "string") return mrkdwn(value, ctx.names);
  return value.type === "rich_text" ? richText(value, ctx.names) : textObject(value, ctx.names);
}

function task(item, ctx) {
  const status = STATUS[item.status] ? item.status : "pending";
  const sources = item.sources || [];
  return h("div", { class: `task task-${status}` },
    h("span", { class: "task-dot", title: STATUS[status][1] }, icon(STATUS[status][0])),
    h("div", { class: "task-body" }, h("div", { class: "task-title" }, plain(item.title?.text ?? item.title ?? ""), h("span", { class: "sr" }, ` ${STATUS[status][1]}`)),
      item.details ? h("div", { class: "muted" }, rich(item.details, ctx)) : null,
      item.output ? h("div", { class: "task-output" }, rich(item.output, ctx)) : null,
      sources.length ? h("div", { class: "muted" }, sources.map((s) => [link(s.url, s.text || s.url), " "])) : null));
}

function plan(block, ctx) {
  const tasks = block.tasks || [];
  const done = tasks.filter((t) => t.status === "complete").length;
  return h("div", { class: "panel plan" },
    h("div", { class: "panel-title" }, plain(block.title?.text ?? block.title ?? "Plan"), h("span", { class: "count" }, `${done} of ${tasks.length}`)),
    tasks.map((t) => task(t, ctx)));
}

function alert(block, ctx) {
  const level = ["info", "success", "warning", "error"].includes(block.level) ? block.level : "info";
  const glyph = level === "success" ? "check" : level === "info" ? "info" : "alert";
  return h("div", { class: `alert alert-${level}`, role: "note" }, icon(glyph), h("div", null, rich(block.text, ctx)));
}

function card(block, ctx) {
  const hero = block.hero_image || block.icon || block.slack_icon;
  return h("div", { class: "panel card" }, hero?.image_url ? picture(hero) : null,
    block.title ? h("div", { class: "panel-title" }, rich(block.title, ctx)) : null,
    block.subtitle ? h("div", { class: "muted" }, rich(block.subtitle, ctx)) : null,
    block.body ? h("div", { class: "card-body" }, rich(block.body, ctx)) : null,
    block.actions ? h("div", { class: "row" }, block.actions.map((e) => element(e, ctx))) : null);
}

function carousel(block, ctx) {
  return h("div", { class: "carousel" }, (block.elements || block.cards || []).map((c) => card(c, ctx)));
}

function container(block, ctx) {
  const children = block.child_blocks || block.blocks || block.children || [];
  const body = h("div", { class: "container-body" }, renderBlocks(children, ctx));
  const title = [rich(block.title, ctx), block.subtitle ? h("span", { class: "muted" }, " ", rich(block.subtitle, ctx)) : null];
  if (!block.is_collapsible) return h("div", { class: "panel" }, h("div", { class: "panel-title" }, title), body);
  const closed = block.default_collapsed ?? block.is_collapsed ?? false;
  return disclosure(`container-${ctx.blockId}`, title, body, !closed);
}

/** A fold whose state survives a re-render (see `swap`). */
export function disclosure(key, title, body, open = false) {
  const box = h("div", { class: "panel disclosure", "data-open-key": key });
  const head = h("button", { type: "button", class: "disclosure-head" }, icon("chevron", "turn"), h("span", null, title));
  const set = (value) => {
    box.toggleAttribute("data-open", value);
    head.setAttribute("aria-expanded", String(value));
    body.hidden = !value;
  };
  head.addEventListener("click", () => set(!box.hasAttribute("data-open")));
  box.addEventListener("reopen", () => set(true));
  box.append(head, body);
  set(open);
  return box;
}

function unknown(block) {
  return h("div", { class: "panel unknown" }, h("div", { class: "panel-title" }, `Unknown block: ${block.type || "no type"}`),
    h("pre", { class: "pre" }, JSON.stringify(block, null, 2)));
}
