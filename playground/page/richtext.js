// The `rich_text` block and its cells: sections, lists, preformatted, quotes.

import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { pre } from "./code.js";
import { userMention, channelMention, groupMention, broadcast, formatDate } from "./mrkdwn.js";

export function richText(block, names) {
  return (block.elements || []).map((element) => part(element, names));
}

function part(element, names) {
  const children = element.elements || [];
  switch (element.type) {
    case "rich_text_section": return h("div", { class: "rt-section" }, children.map((c) => leaf(c, names)));
    case "rich_text_list":
      return h(element.style === "ordered" ? "ol" : "ul",
        { class: `rt-list indent-${Math.min(element.indent || 0, 6)}`, start: element.offset ? element.offset + 1 : null },
        children.map((c) => h("li", null, part(c, names))));
    case "rich_text_preformatted": return pre(children.map(plainLeaf).join(""));
    case "rich_text_quote": return h("blockquote", null, children.map((c) => leaf(c, names)));
    default: return h("span", null, JSON.stringify(element));
  }
}

const plainLeaf = (leafNode) => leafNode.text ?? leafNode.url ?? (leafNode.name ? `:${leafNode.name}:` : "");

function leaf(element, names) {
  return styled(bare(element, names), element.style);
}

function bare(element, names) {
  switch (element.type) {
    case "text": return breaks(element.text || "");
    case "link": return link(element.url, element.text || "");
    case "user": return userMention(element.user_id, names);
    case "channel": return channelMention(element.channel_id, names);
    case "usergroup": return groupMention(element.usergroup_id, names);
    case "broadcast": return broadcast(element.range);
    case "emoji": return h("span", { class: "emoji", title: `:${element.name}:` }, emoji(element.name));
    case "color": return h("code", null, element.value);
    case "date": return h("time", null, formatDate(new Date(element.timestamp * 1000), element.format || "{date} {time}"));
    default: return h("code", null, JSON.stringify(element));
  }
}

const breaks = (text) => text.split("\n").flatMap((row, i) => (i ? [h("br"), row] : [row]));

function styled(content, style) {
  if (!style) return content;
  let node = content;
  if (style.code) node = h("code", null, node);
  if (style.bold) node = h("strong", null, node);
  if (style.italic) node = h("em", null, node);
  if (style.strike) node = h("s", null, node);
  if (style.underline) node = h("u", null, node);
  if (style.highlight) node = h("mark", null, node);
  return node;
}
