// The server's state on this page: one snapshot, one change stream, questions about both.

export class Store extends EventTarget {
  constructor() {
    super();
    this.state = { users: [], channels: [], messages: [], views: [], usergroups: [], sessions: [], commands: [], shortcuts: [] };
    this.online = false;
    this.loaded = false;
    this.reads = new Reads();
  }

  start() {
    this.refresh();
    const stream = new EventSource("/playground/stream");
    stream.addEventListener("open", () => this.#setOnline(true));
    stream.addEventListener("error", () => this.#setOnline(false));
    stream.addEventListener("change", () => this.refresh());
  }

  /** At most one request at a time; changes meanwhile ask for one more. Resolves when the newest state is here. */
  refresh() {
    if (this.busy) this.again = true;
    else this.busy = this.#load().finally(() => { this.busy = null; });
    return this.busy;
  }

  async #load() {
    try {
      do {
        this.again = false;
        const answer = await fetch("/playground/state", { cache: "no-store" });
        if (!answer.ok) throw new Error(`state answered ${answer.status}`);
        this.#read(await answer.text());
      } while (this.again);
    } catch {
      this.#setOnline(false);
    }
  }

  /** Wire traffic counts as a change too; what nobody can see is not rendered again. */
  #read(text) {
    const seen = text.replace(/"version": ?\d+/, "");
    if (seen === this.seen) return this.#setOnline(true, false);
    this.seen = seen;
    return this.#take(JSON.parse(text));
  }

  #take(state) {
    for (const list of ["users", "channels", "messages", "views", "usergroups", "sessions", "commands", "shortcuts"]) state[list] ||= [];
    this.state = state;
    this.usersById = new Map(state.users.map((u) => [u.id, u]));
    this.channelsById = new Map(state.channels.map((c) => [c.id, c]));
    this.groupsById = new Map(state.usergroups.map((g) => [g.id, g]));
    this.peopleSig = JSON.stringify([state.users.map((u) => [u.id, u.name, u.real_name, u.deleted]), state.channels.map((c) => [c.id, c.name]), state.usergroups.map((g) => [g.id, g.handle])]);
    this.streams = state.messages.filter((m) => m.stream === "streaming");
    this.botsById = new Map(state.users.filter((u) => u.bot_id).map((u) => [u.bot_id, u]));
    state.messages.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));
    if (!this.loaded) this.reads.open(state);
    this.loaded = true;
    this.#setOnline(true, false);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  #setOnline(value, announce = true) {
    if (value && !this.online && announce && this.loaded) this.refresh();
    if (value === this.online) return;
    this.online = value;
    this.dispatchEvent(new Event("change"));
  }

  user(id) {
    return this.usersById?.get(id) || this.botsById?.get(id) || null;
  }

  channel(id) {
    return this.channelsById?.get(id) || null;
  }

  /** Whether somebody listens: a socket of an app, or an app that is reached over HTTP. */
  get appOnline() {
    return Boolean(this.state.connected) || (this.state.apps || []).some((app) => app.mode === "http");
  }

  people() {
    return this.state.users.filter((u) => !u.is_bot);
  }

  apps() {
    return this.state.users.filter((u) => u.is_bot && (u.app_id || !this.state.apps));
  }

  author(message) {
    return this.user(message.user) || this.botsById?.get(message.bot_id) || { id: message.user || "?", name: message.username || "unknown" };
  }

  /** A conversation's name as `me` would see it. */
  channelName(channel, me) {
    if (!channel) return "";
    if (!channel.is_im) return channel.name || channel.id;
    return personName(this.user(this.otherIn(channel, me))) || channel.name || channel.id;
  }

  otherIn(channel, me) {
    const members = new Set([...(channel.members || []), channel.user].filter(Boolean));
    members.delete(me);
    return [...members].find((id) => this.user(id)?.is_bot) || [...members][0] || me;
  }

  isMember(channel, me) {
    return (channel.members || []).includes(me) || (channel.is_im && channel.user === me);
  }

  dmWithApp(app, me) {
    return this.state.channels.find((c) => c.is_im && this.isMember(c, me) && this.otherIn(c, me) === app.id) || null;
  }

  visible(message, me) {
    return (!message.ephemeral_to || message.ephemeral_to === me) && message.subtype !== "message_deleted";
  }

  /** Top-level messages of a conversation that `me` may see. */
  roots(channelId, me) {
    return this.state.messages.filter((m) => m.channel === channelId && this.visible(m, me)
      && (!m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast"));
  }

  thread(channelId, threadTs, me) {
    return this.state.messages.filter((m) => m.channel === channelId && this.visible(m, me) && (m.ts === threadTs || m.thread_ts === threadTs));
  }

  /** Replies by root ts: {count, users, last}. */
  summaries(channelId, me) {
    const out = new Map();
    for (const m of this.state.messages) {
      if (m.channel !== channelId || !m.thread_ts || m.thread_ts === m.ts || !this.visible(m, me)) continue;
      const entry = out.get(m.thread_ts) || { count: 0, users: [], last: m.ts };
      entry.count += 1;
      entry.last = m.ts;
      if (!entry.users.includes(m.user)) entry.users.push(m.user);
      out.set(m.thread_ts, entry);
    }
    return out;
  }

  /** What an agent does in a thread; a message still being written counts as work. */
  session(channelId, threadTs) {
    const known = this.state.sessions.find((s) => s.channel === channelId && s.thread_ts === threadTs) || null;
    const live = this.streams.find((m) => m.channel === channelId && (m.thread_ts || m.ts) === threadTs);
    return live ? { channel: channelId, thread_ts: threadTs, app_id: live.app_id, ...known, status: "processing" } : known;
  }

  unread(channelId, me) {
    const since = this.reads.get(me, channelId);
    const fresh = this.state.messages.filter((m) => m.channel === channelId && m.ts > since && m.user !== me && this.visible(m, me));
    return { count: fresh.length, mention: fresh.some((m) => `${m.text || ""}${JSON.stringify(m.blocks || "")}`.includes(me) || m.ephemeral_to === me) };
  }

  modals(me) {
    return this.state.views.filter((v) => v.type === "modal" && v.user === me);
  }

  home(me, app) {
    return this.state.views.filter((v) => v.type === "home" && v.user === me && (!v.app_id || !app?.app_id || v.app_id === app.app_id)).at(-1) || null;
  }

  names(me) {
    return {
      me,
      user: (id) => personName(this.user(id)),
      channel: (id) => this.channel(id)?.name || "",
      group: (id) => { const g = this.groupsById?.get(id); return g ? g.handle || g.name : ""; },
    };
  }
}

export const personName = (user) => (user ? user.real_name || user.profile?.real_name || user.name || user.id : "");

/** What each person has read, kept across reloads; a fresh workspace starts as read. */
class Reads {
  #key = "playground.reads";
  #marks = {};
  #start = "0";

  open(state) {
    const team = state.team?.id || state.team || "T";
    const stored = load(this.#key);
    const newest = state.messages.at(-1)?.ts || "0";
    if (stored && stored.team === team && stored.start <= newest) {
      this.#marks = stored.marks;
      this.#start = stored.start;
    } else this.#start = newest;
    this.team = team;
    this.#save();
  }

  get(user, channel) {
    return this.#marks[`${user}/${channel}`] || this.#start;
  }

  mark(user, channel, ts) {
    if (this.get(user, channel) >= ts) return false;
    this.#marks[`${user}/${channel}`] = ts;
    this.#save();
    return true;
  }

  clear() {
    this.#marks = {};
    this.#start = "0";
    this.#save();
  }

  #save() {
    save(this.#key, { team: this.team, start: this.#start, marks: this.#marks });
  }
}

export function load(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

export function save(key, value) {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private browsing: nothing is kept */ }
}
