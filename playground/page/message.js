// One message: who, when, what, and what can be done with it.

import { h, icon, iconButton, safeUrl } from "./dom.js";
import { mrkdwn, decode, encode, plain } from "./mrkdwn.js";
import { disclosure, renderBlocks } from "./blocks.js";
import { pre } from "./code.js";
import { emoji, QUICK } from "./emoji.js";
import { avatar, clock, shortClock, stamp, countOf, ago } from "./people.js";
import { openMenu, closeMenu, ask } from "./menu.js";
import { post } from "./api.js";
import { personName } from "./store.js";

/** `head`: with avatar and name; `summary`: the replies, in the channel only; `session`: a working agent. */
export function renderMessage(m, pane, { head = true, summary = null, session = null, inThread = false } = {}) {
  const author = pane.store.author(m);
  const ctx = { pane, names: pane.names, owner: `${m.channel}:${m.ts}`, source: { channel: m.channel, ts: m.ts, blocks: m.blocks } };
  const editing = pane.editing === m.ts;
  const body = h("div", { class: "msg-body" },
    head ? headline(m, author) : null,
    m.ephemeral_to ? h("div", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
    editing ? editor(m, pane) : content(m, ctx),
    (m.files || []).map(fileCard), reactions(m, pane), summary ? threadLink(m, summary, pane) : null,
    session ? working(session, pane) : null);
  return h("article", {
    class: `msg ${head ? "with-head" : "follow"} ${m.ephemeral_to ? "ephemeral" : ""}`, "data-ts": m.ts, "data-channel": m.channel, "data-user": author.id,
    "data-testid": "message", tabindex: "-1", "aria-label": `${personName(author)} at ${clock(m.ts)}`,
  }, h("div", { class: "msg-gutter" }, head ? avatar(author) : h("time", { class: "msg-time", title: stamp(m.ts) }, shortClock(m.ts))), body, toolbar(m, pane, inThread));
}

function headline(m, author) {
  const name = m.username || personName(author);
  return h("div", { class: "msg-head" }, h("span", { class: "msg-author" }, name), author.is_bot || m.bot_id ? h("span", { class: "badge" }, "App") : null,
    author.role === "guest" || author.role === "external" ? h("span", { class: "badge soft" }, author.role) : null,
    h("time", { class: "msg-time", title: stamp(m.ts) }, clock(m.ts)), m.edited && shaped(m) ? edited(m) : null, m.subtype === "thread_broadcast" ? h("span", { class: "muted" }, "replied to a thread") : null);
}

function content(m, ctx) {
  const live = m.stream === "streaming" ? h("span", { class: "caret", "aria-label": "still writing" }) : null;
  if (shaped(m)) return h("div", { class: "blocks" }, renderBlocks(m.blocks, ctx), live, attachments(m, ctx));
  return h("div", { class: "text" }, mrkdwn(m.text || "", ctx.names), live, m.edited ? [" ", edited(m)] : null, attachments(m, ctx));
}

const edited = (m) => h("span", { class: "edited", title: m.edited.ts ? stamp(m.edited.ts) : null }, "(edited)");

/** Shown by its blocks; whether it was edited stands beside the time then. */
const shaped = (m) => m.blocks?.length && !typedByPerson(m);

/** A person's own words arrive twice, as text and as one rich_text block; the text still has its *marks*. */
const typedByPerson = (m) => !m.bot_id && m.text && m.blocks.length === 1 && m.blocks[0].type === "rich_text"
  && m.blocks[0].elements.every((part) => part.type === "rich_text_section" && part.elements.every((leaf) => !leaf.style));

function attachments(m, ctx) {
  return (m.attachments || []).map((a) => h("div", { class: "attachment" }, a.pretext ? h("div", null, mrkdwn(a.pretext, ctx.names)) : null,
    a.title ? h("strong", null, a.title_link && safeUrl(a.title_link) ? mrkdwn(`<${a.title_link}|${encode(a.title)}>`, ctx.names) : plain(a.title)) : null,
    a.blocks ? h("div", { class: "blocks" }, renderBlocks(a.blocks, ctx)) : h("div", { class: "text" }, mrkdwn(a.text || a.fallback || "", ctx.names))));
}

function fileCard(f) {
  const name = f.title || f.name || f.id;
  const url = localUrl(f.url_private || f.permalink || f.url);
  const textual = /^(text\/|application\/(json|x-?yaml|xml))/.test(f.mimetype || "") || /^(text|diff|json|yaml|markdown|log|hcl|python|shell)$/.test(f.filetype || "") || f.content || f.preview;
  const title = [icon("file"), h("span", { class: "file-name" }, name), f.size ? h("span", { class: "muted" }, sizeOf(f.size)) : null];
  const open = url ? h("a", { class: "file-open", href: url, target: "_blank", rel: "noopener noreferrer" }, "Download") : null;
  if (!textual) return h("div", { class: "panel file" }, title, open);
  const body = h("div", { class: "file-preview" });
  const box = disclosure(`file-${f.id}`, title, body);
  const show = async () => {
    if (body.childElementCount || !box.hasAttribute("data-open")) return;
    body.replaceChildren(h("span", { class: "muted" }, "Loading…"));
    let text = f.content ?? f.preview;
    try { if (url) text = await (await fetch(url)).text(); } catch { text ??= "The file could not be read."; }
    body.replaceChildren(pre((text ?? "").slice(0, 200000)));
  };
  box.addEventListener("click", show);
  box.addEventListener("reopen", show);
  return h("div", { class: "file" }, box, open);
}

/** Files live on the playground itself, whatever host name the address carries. */
function localUrl(raw) {
  if (!raw) return null;
  if (raw.startsWith("/") && !raw.startsWith("//")) return raw;
  const href = safeUrl(raw);
  if (!href) return null;
  const url = new URL(href);
  return ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname) && url.port === location.port ? url.pathname + url.search : href;
}

const sizeOf = (n) => (n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 1048576).toFixed(1)} MB`);

function reactions(m, pane) {
  const list = m.reactions || [];
  if (!list.length) return null;
  return h("div", { class: "reactions" }, list.map((r) => {
    const users = r.users || [];
    const who = users.map((id) => personName(pane.store.user(id)) || id).join(", ");
    return h("button", { type: "button", class: users.includes(pane.me) ? "reaction mine" : "reaction", title: `${who} · :${r.name}:`, "aria-pressed": String(users.includes(pane.me)),
      "data-reaction": r.name, onclick: () => react(m, pane, r.name) }, h("span", { class: "emoji" }, emoji(r.name)), h("span", null, String(r.count ?? users.length)));
  }));
}

const react = (m, pane, name) => post("react", { user: pane.me, channel: m.channel, ts: m.ts, name });

function threadLink(m, summary, pane) {
  return h("button", { type: "button", class: "thread-link", "data-testid": "thread-link", onclick: () => pane.openThread(m.ts) },
    summary.users.slice(0, 4).map((id) => avatar(pane.store.user(id), "tiny")), h("span", { class: "thread-count" }, countOf(summary.count, "reply")),
    h("span", { class: "muted" }, `last reply ${ago(summary.last)}`), icon("chevron"));
}

const WORKING = { processing: "is working", active: "is active in this thread" };

/** What a working agent says about itself, with the platform's own Stop; null when nothing runs. */
export function working(session, pane) {
  const stoppable = WORKING[session.status];
  const says = session.status_text && (!session.status_until || session.status_until > Date.now() / 1000) ? session.status_text : null;
  if (!stoppable && !says) return null;
  const app = pane.store.apps().find((u) => u.app_id === session.app_id) || pane.store.apps()[0];
  const text = says ? `${personName(app)} ${says}` : session.title || `${personName(app)} ${stoppable}`;
  const stop = h("button", { type: "button", class: "btn small", "data-testid": "stop-agent", onclick: async () => {
    stop.disabled = true;
    const answer = await post("stop_agent", { user: pane.me, channel: session.channel, thread_ts: session.thread_ts });
    if (!answer.ok) stop.disabled = false;
  } }, icon("stop"), "Stop");
  return h("div", { class: `working ${says ? "processing" : session.status}` }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    h("span", null, plain(text)), stoppable ? stop : null);
}

function toolbar(m, pane, inThread) {
  if (m.ephemeral_to) return null;
  const mine = m.user === pane.me && !m.bot_id;
  const shortcuts = pane.store.state.shortcuts.filter((s) => s.type === "message");
  const more = [
    ...shortcuts.map((s) => ({ label: s.name, icon: "bolt", detail: s.description, onpick: () => post("shortcut", { user: pane.me, callback_id: s.callback_id, channel: m.channel, ts: m.ts }) })),
    ...(mine ? [{ label: "Edit message", icon: "edit", onpick: () => pane.edit(m.ts) }, { label: "Delete message", icon: "trash", tone: "bad", onpick: () => remove(m, pane) }] : []),
  ];
  const faces = (event) => openMenu(event.currentTarget, [{ node: h("div", { class: "faces" }, QUICK.map((name) =>
    h("button", { type: "button", class: "face", title: `:${name}:`, "aria-label": `React with ${name}`, onclick: () => { closeMenu(); react(m, pane, name); } }, emoji(name)))) }], { label: "React" });
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" }, iconButton("smile", "React", faces, { "data-testid": "react" }),
    inThread ? null : iconButton("reply", "Reply in thread", () => pane.openThread(m.thread_ts || m.ts), { "data-testid": "reply-in-thread" }),
    more.length ? iconButton("more", "More actions", (event) => openMenu(event.currentTarget, more, { label: "Message actions" }), { "data-testid": "message-menu", "aria-haspopup": "menu" }) : null);
}

async function remove(m, pane) {
  const sure = await ask({ title: "Delete this message?", body: "Everyone loses it, and the app is told.", confirm: "Delete", danger: true });
  if (sure) post("delete", { user: pane.me, channel: m.channel, ts: m.ts });
}

function editor(m, pane) {
  const box = h("textarea", { class: "field-input", rows: 3, "aria-label": "Edit message", "data-testid": "edit-box", value: decode(m.text || "") });
  const save = async () => {
    const answer = await post("edit", { user: pane.me, channel: m.channel, ts: m.ts, text: box.value });
    if (answer.ok) pane.edit(null);
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); save(); }
    if (event.key === "Escape") { event.stopPropagation(); pane.edit(null); }
  });
  queueMicrotask(() => box.focus());
  return h("div", { class: "editor" }, box, h("div", { class: "row" }, h("button", { type: "button", class: "btn primary small", onclick: save }, "Save"),
    h("button", { type: "button", class: "btn small", onclick: () => pane.edit(null) }, "Cancel")));
}
