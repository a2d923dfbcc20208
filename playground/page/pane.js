// One person's window: who acts, where they are, what is open. Two of these side by side make the split view.

import { append, h, icon } from "./dom.js";
import { mrkdwn, encode } from "./mrkdwn.js";
import { Forms } from "./forms.js";
import { Timeline } from "./timeline.js";
import { Composer } from "./composer.js";
import { Sidebar } from "./sidebar.js";
import { Modals } from "./modal.js";
import { ThreadPane } from "./thread.js";
import { renderHome } from "./home.js";
import { avatar, countOf, roleOf } from "./people.js";
import { personName } from "./store.js";
import { openMenu } from "./menu.js";
import { explain, post } from "./api.js";
import { toast } from "./toast.js";

const RELEASES = ["pointerup", "pointercancel", "blur"];

export class Pane {
  constructor(store, { as = null, channel = null, thread = null, spot = null, onmove = () => {}, tools = [] } = {}) {
    Object.assign(this, { store, me: as, at: channel, thread, spot, onmove, editing: null, forms: new Forms(), since: null, lastIn: {} });
    this.sidebar = new Sidebar(this, tools);
    this.timeline = new Timeline(this, { label: "Messages" });
    this.composer = new Composer(this, { testid: "composer" });
    this.header = h("header", { class: "channel-head" });
    this.notice = h("div", { class: "notice", role: "status", hidden: true });
    this.home = h("div", { class: "home", "data-testid": "app-home" });
    this.prompts = h("div", { class: "prompts", hidden: true });
    this.threadPane = new ThreadPane(this);
    this.modals = new Modals(this);
    this.main = h("main", { class: "channel" }, this.header, this.notice, this.home, this.timeline.root, this.prompts, this.composer.root);
    this.root = h("div", { class: "pane", "data-testid": "pane" }, this.sidebar.root, h("div", { class: "stage" }, this.main, this.threadPane.root, this.modals.root));
    this.root.addEventListener("click", (event) => {
      const mention = event.target.closest("[data-open-channel]");
      if (mention && this.store.channel(mention.dataset.openChannel)) this.go(mention.dataset.openChannel);
    });
    this.renew = () => { if (this.pressed) this.late = true; else this.render(); };
    this.root.addEventListener("pointerdown", () => { this.pressed = true; });
    this.release = () => setTimeout(() => this.#released());
    for (const end of RELEASES) addEventListener(end, this.release);
    store.addEventListener("change", this.renew);
    document.addEventListener("visibilitychange", this.renew);
  }

  leave() {
    this.store.removeEventListener("change", this.renew);
    document.removeEventListener("visibilitychange", this.renew);
    for (const end of RELEASES) removeEventListener(end, this.release);
    this.root.remove();
  }

  /** What changed while a button was held down waits: a control that is replaced under the pointer loses its click. */
  #released() {
    this.pressed = false;
    if (!this.late) return;
    this.late = false;
    this.render();
  }

  /** `at` is a channel id, or `home:APP` for an app's home tab. */
  go(at, thread = null) {
    Object.assign(this, { at, thread, editing: null });
    this.lastIn[this.me] = { at, thread };
    this.greeted = null;
    this.since = this.channel ? this.store.reads.get(this.me, at) : null;
    this.onmove();
    this.render();
    if (!at.startsWith("home:")) this.composer.focus();
  }

  actAs(user) {
    this.lastIn[this.me] = { at: this.at, thread: this.thread };
    this.me = user;
    this.editing = null;
    const place = this.lastIn[user] || (this.#mayStay() ? { at: this.at, thread: this.thread } : {});
    this.go(place.at || this.#firstPlace(), place.thread || null);
  }

  openThread(ts) {
    this.thread = ts;
    this.lastIn[this.me] = { at: this.at, thread: ts };
    this.onmove();
    this.render();
    if (ts) this.threadPane.composer.focus();
  }

  edit(ts) {
    this.editing = ts;
    this.render();
    if (!ts) this.composer.focus();
  }

  /** Opens the person's newest message here for editing; false when there is none. */
  editLast(inThread) {
    const list = inThread ? this.store.thread(this.at, this.thread, this.me) : this.store.roots(this.at, this.me);
    const mine = list.filter((m) => m.user === this.me && !m.ephemeral_to).at(-1);
    if (mine) this.edit(mine.ts);
    return Boolean(mine);
  }

  get channel() {
    return this.store.channel(this.at);
  }

  /** The conversation that the composer writes to. */
  async conversation() {
    return this.channel?.id || null;
  }

  /** An interaction with a block element; the control waits until the app has answered. */
  async click(ctx, e, patch, node) {
    const { channel, ts, view_id } = ctx.source;
    const values = this.forms.collect(ctx.owner, ctx.source.blocks);
    node?.classList.add("busy");
    const given = { user: this.me, ...(view_id ? { view_id } : { channel, ts }), action_id: e.action_id, ...wire(e, patch), state: { values } };
    const renewable = e.type === "button" && given.value !== undefined;
    let answer = await post("click", { ...given, block_id: ctx.blockId }, { quiet: renewable });
    // The app renewed the message meanwhile, which gives its blocks new ids: the same button is still the same button.
    if (renewable && !answer.ok) answer = answer.error === "action_not_found" ? await post("click", given) : refused(answer);
    node?.classList.remove("busy");
    return answer;
  }

  #mayStay() {
    const channel = this.channel;
    return this.at?.startsWith("home:") || (channel && this.store.isMember(channel, this.me));
  }

  #firstPlace() {
    const { state } = this.store;
    return (state.channels.find((c) => !c.is_im && !c.is_archived && this.store.isMember(c, this.me)) || state.channels[0])?.id || "none";
  }

  render() {
    const { store } = this;
    if (!store.loaded) return;
    if (!store.user(this.me)) this.me = (store.people().find((u) => !u.deleted) || store.people()[0])?.id;
    if (!this.#known()) { this.at = this.#firstPlace(); this.thread = null; }
    if (this.since === null && this.channel) this.since = store.reads.get(this.me, this.at);
    this.names = store.names(this.me);
    this.peopleSig = store.peopleSig;
    this.root.dataset.user = this.me;
    this.root.dataset.at = this.at;
    const app = this.#app();
    const atHome = this.at.startsWith("home:");
    this.#head(app, atHome);
    this.#warn();
    this.home.hidden = !atHome;
    this.timeline.root.hidden = this.composer.root.hidden = atHome;
    if (atHome) this.prompts.hidden = true;
    if (atHome) this.#openHome(app);
    else this.#conversation();
    this.threadPane.render();
    this.modals.render();
    this.sidebar.render();
  }

  /** Tells the app who came, once each time somebody comes. */
  #openHome(app) {
    renderHome(this.home, this, app);
    const visit = `${this.me}/${this.at}`;
    if (this.greeted === visit) return;
    this.greeted = visit;
    post("open_home", { user: this.me, app: app.app_id, tab: "home" }, { quiet: true });
  }

  #known() {
    return this.at && (this.at.startsWith("home:") ? this.store.user(this.at.slice(5)) : this.store.channel(this.at));
  }

  #app() {
    if (this.at.startsWith("home:")) return this.store.user(this.at.slice(5));
    const other = this.channel?.is_im ? this.store.user(this.store.otherIn(this.channel, this.me)) : null;
    return other?.is_bot ? other : null;
  }

  #conversation() {
    const { store, channel, me } = this;
    if (!channel) return;
    const scope = `${me}/${channel.id}`;
    const roots = store.roots(channel.id, me);
    this.timeline.update(scope, roots, { summaries: store.summaries(channel.id, me), since: this.since, lead: this.#intro(channel) });
    this.composer.aim(scope, { placeholder: `Message ${channel.is_im ? "" : "#"}${store.channelName(channel, me)}`, blocked: this.blocked(channel) });
    this.#offer(channel);
    this.#point();
    const newest = store.state.messages.findLast((m) => m.channel === channel.id && store.visible(m, me));
    if (newest && document.visibilityState === "visible") store.reads.mark(me, channel.id, newest.ts);
  }

  /** Shows the message that a permalink named, once. */
  #point() {
    const node = this.spot && this.timeline.list.querySelector(`[data-ts="${CSS.escape(this.spot)}"]`);
    if (!node) return;
    this.spot = null;
    node.scrollIntoView({ block: "center" });
    node.classList.add("spot");
  }

  /** The prompts that an agent suggests in a direct message. */
  #offer(channel) {
    const session = channel.is_im ? this.store.state.sessions.find((s) => s.channel === channel.id && s.prompts?.length && !s.thread_ts) : null;
    const app = channel.is_im && this.store.state.apps?.find((a) => a.bot_user === this.store.otherIn(channel, this.me));
    const offer = session ? { title: session.prompts_title, list: session.prompts } : { title: null, list: app?.suggested_prompts || [] };
    this.prompts.hidden = !offer.list.length;
    const sig = JSON.stringify([offer, channel.id, this.me]);
    if (this.prompts.sig === sig) return;
    this.prompts.sig = sig;
    this.prompts.replaceChildren(h("span", { class: "muted" }, offer.title || "Try asking"), ...offer.list.map((p) =>
      h("button", { type: "button", class: "btn small", onclick: () => post("say", { user: this.me, channel: channel.id, text: p.message }) }, p.title)));
  }

  /** Why this person cannot write here; empty when they can. */
  blocked(channel) {
    if (this.store.user(this.me)?.deleted) return "This person is deactivated and cannot write.";
    if (channel.is_archived) return "This conversation is archived.";
    if (!this.store.isMember(channel, this.me)) return `${personName(this.store.user(this.me))} is not a member of this conversation.`;
    return "";
  }

  #intro(channel) {
    const name = this.store.channelName(channel, this.me);
    return { key: "intro", sig: JSON.stringify([name, channel.purpose, this.me]), make: () => h("div", { class: "intro" },
      channel.is_im ? avatar(this.store.user(this.store.otherIn(channel, this.me)), "big") : h("span", { class: "intro-mark" }, icon(channel.is_private ? "lock" : "hash")),
      h("h2", null, name), h("p", { class: "muted" }, words(channel.purpose) || (channel.is_im ? `This is the beginning of your conversation with ${name}.` : `This is the beginning of #${name}.`))) };
  }

  #head(app, atHome) {
    const { store, channel, me } = this;
    const sig = JSON.stringify([this.at, me, channel, app, atHome, store.peopleSig]);
    if (this.header.sig === sig) return;
    this.header.sig = sig;
    if (app) { this.header.replaceChildren(h("div", { class: "head-name" }, avatar(app, "small"), h("h1", null, personName(app)), h("span", { class: "badge" }, "App")), this.#tabs(app, atHome)); return; }
    const topic = words(channel.topic);
    const members = (channel.members || []).map((id) => store.user(id)).filter(Boolean);
    const crowd = h("button", { type: "button", class: "crowd", "aria-label": countOf(members.length, "member"), title: "Members", "aria-haspopup": "menu", onclick: () => openMenu(crowd, [{ heading: countOf(members.length, "member") },
      ...members.map((u) => ({ label: personName(u), detail: roleOf(u), lead: avatar(u, "tiny"), onpick: () => {} }))], { label: "Members" }) },
    members.slice(0, 3).map((u) => avatar(u, "tiny")), h("span", null, String(members.length)));
    this.header.replaceChildren();
    append(this.header, [
      h("div", { class: "head-name" }, channel.is_im ? avatar(store.user(store.otherIn(channel, me)), "small") : icon(channel.is_private ? "lock" : "hash"), h("h1", null, store.channelName(channel, me)),
        channel.is_ext_shared ? h("span", { class: "badge soft" }, "shared outside") : null, channel.is_archived ? h("span", { class: "badge soft" }, "archived") : null),
      h("div", { class: "topic" }, topic ? mrkdwn(/[<>&]/.test(topic) && !/<(https?:|#|@|!)/.test(topic) ? encode(topic) : topic, this.names) : null),
      store.isMember(channel, me) || channel.is_private ? null : h("button", { type: "button", class: "btn primary small", "data-testid": "join", onclick: () => post("join", { user: me, channel: channel.id }) }, "Join"),
      channel.is_im ? null : crowd]);
  }

  #tabs(app, atHome) {
    const dm = this.store.dmWithApp(app, this.me);
    const tab = (label, on, to, testid) => h("button", { type: "button", role: "tab", class: "tab", "aria-selected": String(on), "data-testid": testid, onclick: to }, label);
    const messages = async () => {
      await post("open_home", { user: this.me, app: app.app_id, tab: "messages" }, { quiet: true });
      const target = dm?.id || (await post("open_im", { user: this.me, with: app.id })).channel;
      await this.store.refresh();
      if (target) this.go(target);
    };
    return h("div", { class: "tabs", role: "tablist" }, tab("Home", atHome, () => this.go(`home:${app.id}`), "tab-home"), tab("Messages", !atHome, messages, "tab-messages"));
  }

  #warn() {
    const { store } = this;
    const text = !store.online ? "Connection to the playground lost – trying again…" : !store.appOnline ? "The app is not connected: nobody will answer until it is." : "";
    this.notice.hidden = !text;
    if (this.notice.textContent !== text) this.notice.replaceChildren(...(text ? [icon("alert"), text] : []));
  }
}

function refused(answer) {
  toast(explain(answer.error), { tone: "bad" });
  return answer;
}

export const words = (value) => (typeof value === "string" ? value : value?.value || "");

/** The part of a click that says what was chosen. */
function wire(e, patch) {
  const first = patch.selected_option?.value ?? patch.selected_user ?? patch.selected_channel ?? patch.selected_conversation ?? patch.selected_date ?? patch.selected_time ?? patch.selected_date_time;
  const out = { ...patch };
  delete out.type;
  if (out.value === undefined && first !== undefined && first !== null) out.value = first;
  if (out.value === undefined) delete out.value;
  return out;
}
