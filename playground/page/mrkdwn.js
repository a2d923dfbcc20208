// Slack's mrkdwn to DOM nodes. What is not understood stays the text it was.

import { h, link, safeUrl } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { pre } from "./code.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
export const decode = (text) => String(text).replace(/&(?:lt|gt|amp);/g, (e) => ENTITIES[e]);
export const encode = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const INLINE = new RegExp([
  "`([^`\\n]+)`",
  "<([^<>\\n]+)>",
  "(?<![\\w*])\\*(?=\\S)((?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
  "(?<![\\w_])_(?=\\S)((?:[^_\\n]|_(?=\\w))*[^\\s_])_(?![\\w_])",
  "(?<![\\w~])~(?=\\S)((?:[^~\\n]*[^\\s~]))~(?![\\w~])",
  ":([a-z0-9_+-]+):(?::skin-tone-\\d:)?",
  "(https?:\\/\\/[^\\s<>|`]+[^\\s<>|`.,;:!?)'\"])",
].join("|"), "g");

/** `names` resolves ids: {user(id), channel(id), group(id), me}. */
export function mrkdwn(text, names) {
  const out = [];
  const parts = String(text ?? "").split(/```([\s\S]+?)```/);
  parts.forEach((part, i) => {
    if (i % 2) out.push(pre(decode(part.replace(/^\n/, "").replace(/\n$/, ""))));
    else if (part) out.push(...lines(trimBreaks(part, i > 0, i < parts.length - 1), names));
  });
  return out;
}

export function plain(text, { emoji = true } = {}) {
  const decoded = decode(text ?? "");
  return emoji ? decoded.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all) : decoded;
}

/** A text object ({type: mrkdwn|plain_text, text}) or a bare string. */
export function textObject(object, names) {
  if (!object) return [];
  if (typeof object === "string") return [plain(object)];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [plain(object.text)];
}

const trimBreaks = (text, afterCode, beforeCode) => {
  const head = afterCode ? text.replace(/^\n/, "") : text;
  return beforeCode ? head.replace(/\n$/, "") : head;
};

function lines(text, names) {
  const out = [];
  let quote = null;
  text.split("\n").forEach((line, i) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(quoted[1], names));
      return;
    }
    if (i > 0 && !quote) out.push(h("br"));
    quote = null;
    out.push(...inline(line, names));
  });
  return out;
}

export function inline(text, names) {
  const out = [];
  let last = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > last) out.push(decode(text.slice(last, m.index)));
    last = m.index + m[0].length;
    const [all, code, angle, bold, italic, strike, smiley, url] = m;
    if (code !== undefined) out.push(h("code", null, decode(code)));
    else if (angle !== undefined) out.push(reference(angle, names));
    else if (bold) out.push(h("strong", null, inline(bold, names)));
    else if (italic) out.push(h("em", null, inline(italic, names)));
    else if (strike) out.push(h("s", null, inline(strike, names)));
    else if (smiley && EMOJI[smiley]) out.push(h("span", { class: "emoji", title: `:${smiley}:`, role: "img", "aria-label": smiley }, EMOJI[smiley]));
    else if (url) out.push(link(decode(url)));
    else out.push(decode(all));
  }
  if (last < text.length) out.push(decode(text.slice(last)));
  return out;
}

export function userMention(id, names, label) {
  const me = id === names.me;
  return h("span", { class: me ? "mention mention-me" : "mention", "data-user-mention": id }, `@${names.user(id) || label || id}`);
}

export function channelMention(id, names, label) {
  return h("button", { type: "button", class: "mention", "data-open-channel": id }, `#${names.channel(id) || label || id}`);
}

export function groupMention(id, names, label) {
  const name = names.group(id) || label || id;
  return h("span", { class: "mention" }, name.startsWith("@") ? name : `@${name}`);
}

export const broadcast = (range) => h("span", { class: "mention mention-me" }, `@${range}`);

function reference(body, names) {
  const [target, ...rest] = body.split("|");
  const label = rest.length ? decode(rest.join("|")) : "";
  if (/^@[UWB]\w+$/.test(target)) return userMention(target.slice(1), names, label);
  if (/^#[CGD]\w+$/.test(target)) return channelMention(target.slice(1), names, label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), names, label);
  if (target.startsWith("!date^")) return date(target, label);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (safeUrl(decode(target))) return link(decode(target), label || decode(target).replace(/^mailto:/, ""));
  return document.createTextNode(decode(`<${body}>`));
}

function date(target, label) {
  const [, seconds, format = "{date} {time}"] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return document.createTextNode(label);
  return h("time", { datetime: at.toISOString(), title: label }, formatDate(at, format));
}

export function formatDate(at, format) {
  const day = (options) => at.toLocaleDateString(undefined, options);
  const medium = { month: "short", day: "numeric", year: "numeric" };
  const long = { weekday: "long", month: "long", day: "numeric", year: "numeric" };
  return format
    .replace(/\{date_num\}/g, at.toISOString().slice(0, 10))
    .replace(/\{date_long(_pretty|_full)?\}/g, day(long))
    .replace(/\{date_short(_pretty)?\}/g, day(medium))
    .replace(/\{date(_pretty|_slash)?\}/g, day({ month: "long", day: "numeric", year: "numeric" }))
    .replace(/\{day_divider_pretty\}/g, day(long))
    .replace(/\{time_secs\}/g, at.toLocaleTimeString())
    .replace(/\{time\}/g, at.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" }))
    .replace(/\{ago\}/g, `${Math.max(0, Math.round((Date.now() - at) / 60000))} min ago`);
}
