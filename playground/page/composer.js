// Where people write: drafts, mentions, slash commands.

import { h, icon, iconButton } from "./dom.js";
import { encode } from "./mrkdwn.js";
import { avatar } from "./people.js";
import { personName } from "./store.js";
import { openMenu } from "./menu.js";
import { post } from "./api.js";
import { toast } from "./toast.js";

export class Composer {
  constructor(pane, { testid, inThread = false }) {
    this.pane = pane;
    this.inThread = inThread;
    this.drafts = new Map();
    this.box = h("textarea", { rows: 1, "data-testid": testid, "aria-label": "Message", "aria-autocomplete": "list", oninput: () => this.#typed(), onkeydown: (e) => this.#key(e), onblur: () => setTimeout(() => this.#suggest([]), 150) });
    this.list = h("div", { class: "suggest", role: "listbox", "data-testid": `${testid}-suggestions`, hidden: true });
    this.button = h("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", "data-testid": `${testid}-send`, onclick: () => this.send() }, icon("send"));
    const plus = iconButton("plus", "Shortcuts", (e) => this.#shortcuts(e.currentTarget), { "data-testid": inThread ? null : "shortcuts", "aria-haspopup": "menu" });
    this.root = h("div", { class: "composer" }, this.list, h("div", { class: "composer-box" }, inThread ? null : plus, this.box, this.button), this.hint = h("div", { class: "composer-hint" }));
  }

  /** Points the box at a conversation; each person keeps a draft in each. */
  aim(target, { placeholder, blocked = "" }) {
    if (target !== this.target) {
      if (this.target) this.drafts.set(this.target, this.box.value);
      this.target = target;
      this.box.value = this.drafts.get(target) || "";
      this.#suggest([]);
      this.#grow();
    }
    this.box.placeholder = blocked || placeholder;
    this.box.disabled = this.button.disabled = Boolean(blocked);
    const tip = blocked ? "" : this.inThread ? "Enter sends · Shift+Enter for a new line" : "Enter sends · Shift+Enter for a new line · @ mentions · / commands";
    if (this.hint.textContent !== tip) this.hint.textContent = tip;
  }

  focus() {
    this.box.focus();
  }

  async send() {
    const raw = this.box.value.trim();
    if (!raw || this.sending) return;
    const { pane } = this;
    const channel = await pane.conversation();
    if (!channel) return;
    const slash = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(raw);
    this.sending = true;
    this.box.value = "";
    this.#grow();
    this.#suggest([]);
    const answer = slash
      ? await post("command", { user: pane.me, channel, command: slash[1], text: slash[2] || "" })
      : await post("say", { user: pane.me, channel, text: this.#wire(raw), ...(this.inThread ? { thread_ts: pane.thread } : {}) });
    this.sending = false;
    if (!answer.ok && !this.box.value) this.box.value = raw;
    else if (slash && this.inThread) toast("The command was sent to the conversation: commands do not belong to a thread.");
  }

  /** What was typed, as the wire has it: escaped, with mentions, channels and links in brackets. */
  #wire(raw) {
    const { state } = this.pane.store;
    const named = [];
    for (const user of state.users) for (const name of [personName(user), user.name]) if (name) named.push([`@${name}`, `<@${user.id}>`]);
    for (const group of state.usergroups) named.push([`@${group.handle || group.name}`, `<!subteam^${group.id}|@${group.handle || group.name}>`]);
    for (const word of ["here", "channel", "everyone"]) named.push([`@${word}`, `<!${word}>`]);
    for (const channel of state.channels) if (!channel.is_im && channel.name) named.push([`#${channel.name}`, `<#${channel.id}|${channel.name}>`]);
    named.sort((a, b) => b[0].length - a[0].length);
    return encode(raw).split(/(```[\s\S]*?```|`[^`\n]+`)/).map((part, i) => (i % 2 ? part : bracket(part, named))).join("");
  }

  #typed() {
    this.#grow();
    const before = this.box.value.slice(0, this.box.selectionStart);
    const slash = /^\/[\w-]*$/.exec(before);
    const mention = /(?:^|\s)@([\w .-]{0,30})$/.exec(before);
    if (slash) this.#suggest(this.#commands(slash[0]));
    else if (mention) this.#suggest(this.#mentions(mention[1]));
    else this.#suggest([]);
  }

  #commands(typed) {
    return this.pane.store.state.commands.filter((c) => c.command.startsWith(typed)).map((c) => ({
      insert: `${c.command} `, from: 0, lead: h("span", { class: "slash", "aria-hidden": "true" }, "/"), label: `${c.command} ${c.usage_hint || ""}`.trim(), detail: c.description || "",
    }));
  }

  #mentions(typed) {
    const { store } = this.pane;
    const term = typed.toLowerCase();
    const from = this.box.selectionStart - typed.length - 1;
    const fits = (...names) => names.some((n) => (n || "").toLowerCase().startsWith(term) || (n || "").toLowerCase().split(/[\s._-]/).some((w) => w.startsWith(term)));
    const users = store.state.users.filter((u) => !u.deleted && fits(personName(u), u.name)).map((u) => ({
      insert: `@${personName(u)} `, from, lead: avatar(u, "tiny"), label: personName(u), detail: u.is_bot ? "app" : u.role || "",
    }));
    const groups = store.state.usergroups.filter((g) => fits(g.handle, g.name)).map((g) => ({ insert: `@${g.handle || g.name} `, from, lead: icon("people"), label: `@${g.handle || g.name}`, detail: g.name || "" }));
    return [...users, ...groups].slice(0, 8);
  }

  #suggest(items) {
    this.items = items;
    this.index = 0;
    this.list.hidden = !items.length;
    this.list.replaceChildren(...items.map((item, i) => h("button", { type: "button", role: "option", tabindex: "-1", class: "menu-item", "aria-selected": String(i === 0),
      onpointerdown: (e) => { e.preventDefault(); this.#take(i); } }, item.lead, h("span", { class: "menu-label" }, item.label, h("small", null, item.detail)))));
  }

  #move(step) {
    this.index = (this.index + step + this.items.length) % this.items.length;
    [...this.list.children].forEach((n, i) => n.setAttribute("aria-selected", String(i === this.index)));
    this.list.children[this.index]?.scrollIntoView({ block: "nearest" });
  }

  #take(index) {
    const item = this.items[index];
    this.box.setRangeText(item.insert, item.from, this.box.selectionStart, "end");
    this.#suggest([]);
    this.#grow();
    this.box.focus();
  }

  #key(event) {
    if (event.isComposing) return;
    const open = this.items?.length;
    const exact = open && this.box.value.trim() === this.items[this.index].insert.trim();
    if (open && event.key === "ArrowDown") { event.preventDefault(); this.#move(1); }
    else if (open && event.key === "ArrowUp") { event.preventDefault(); this.#move(-1); }
    else if (open && (event.key === "Tab" || (event.key === "Enter" && !exact))) { event.preventDefault(); this.#take(this.index); }
    else if (open && event.key === "Escape") { event.stopPropagation(); this.#suggest([]); }
    else if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); this.send(); }
    else if (event.key === "ArrowUp" && !this.box.value) { if (this.pane.editLast(this.inThread)) event.preventDefault(); }
  }

  #grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 220)}px`;
  }

  #shortcuts(anchor) {
    const { pane } = this;
    const list = pane.store.state.shortcuts.filter((s) => s.type === "global");
    const items = list.map((s) => ({ label: s.name, icon: "bolt", detail: s.description, onpick: () => post("shortcut", { user: pane.me, callback_id: s.callback_id }) }));
    openMenu(anchor, [{ heading: "Shortcuts" }, ...(items.length ? items : [{ heading: "The app offers none." }])], { label: "Shortcuts" });
  }
}

function bracket(text, named) {
  return text.split(/(https?:\/\/[^\s<>]*[^\s<>.,;:!?)'"])/).map((part, i) => {
    if (i % 2) return `<${part}>`;
    let out = "";
    let rest = part;
    while (rest) {
      const hit = /^[@#]/.test(rest) && named.find(([name]) => rest.toLowerCase().startsWith(name.toLowerCase()) && !/^[\w]/.test(rest.slice(name.length)));
      if (hit) { out += hit[1]; rest = rest.slice(hit[0].length); } else { out += rest[0]; rest = rest.slice(1); }
    }
    return out;
  }).join("");
}
